"""The worker: a Celery worker with one extra step, in which attempts run."""
