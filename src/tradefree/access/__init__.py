"""Who may do what: API keys and their scopes, and the box that keeps connection secrets.

Pure; storage is behind a port.
"""
