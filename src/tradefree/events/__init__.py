"""Events make tasks: what arrived, the rules that look at it, and what they decided.

The rules are pure; storage is behind a port. Everything that raises an event goes through ``intake.Intake``.
"""
