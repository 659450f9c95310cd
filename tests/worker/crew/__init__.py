"""The parent of worker processes."""
