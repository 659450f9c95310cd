"""Callbacks: where they go, how they are signed, sent and counted."""
