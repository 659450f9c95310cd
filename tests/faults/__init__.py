"""Faults: everything may die."""
