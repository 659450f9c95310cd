"""Backups: one file that holds a whole database, made while the system runs, and proved by being restored.

In reading order: ``sealing`` · ``frames`` · ``archive`` (the file); ``layout`` · ``snapshot`` (what is in it);
``make`` · ``restore`` · ``invariants`` · ``verify``; ``places`` (where files lie) · ``routine`` · ``schedule``.
"""
