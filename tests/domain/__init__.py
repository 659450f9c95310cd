"""The rules of the domain, without I/O."""
