"""The demos: that their judge is strict, and that they end well."""
