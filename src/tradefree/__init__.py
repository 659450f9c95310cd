"""Tradefree AI task system: AI workflows as reliable background tasks."""
