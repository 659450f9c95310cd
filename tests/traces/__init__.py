"""Spans, and what happens while their endpoint is away."""
