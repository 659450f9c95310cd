"""Doubles for tests that the package ships."""
