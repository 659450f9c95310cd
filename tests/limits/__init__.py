"""The arithmetic of admission."""
