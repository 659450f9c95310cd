"""Foreign webhooks: is it really from them (on the raw bytes), and which event does it tell of? Pure.

Files in reading order: hook · presets · signature · mapping.
"""
