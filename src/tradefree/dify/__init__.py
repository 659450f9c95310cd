"""Dify's Service API: a typed client that knows nothing of tasks, and the runner built on it.

The client, in reading order: errors · models · spoken · stream · wire · transport · workflows · messages · files ·
facts · client. The runners: options · inputs · attach · narrate · usage · verdict · handle · errand · talk ·
keeping · talking · seek · watch · runner.
"""
