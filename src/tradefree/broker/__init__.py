"""The broker: Celery as a doorbell, and signals for wake-ups and live updates."""
