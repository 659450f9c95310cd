"""Dify's Service API: a typed client that knows nothing of tasks, and the runner built on it.

The client, in reading order: errors · models · stream · usage · wire · client. The runner: inputs · narrate · verdict ·
handle · seek · watch · runner.
"""
