"""Metrics, the dashboard and the alerts."""
