"""Traces by OpenTelemetry, where they are asked for: request or event → task → attempt → call → node."""
