"""Dify's Service API: a typed client that knows nothing of tasks, and the runner built on it.

In reading order: errors · stream · models · client (the API), then inputs · narrate · verdict · watch · runner (tasks).
"""
