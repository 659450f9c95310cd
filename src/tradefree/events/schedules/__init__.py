"""Schedules: when an event is raised by itself. Pure; whoever leads looks at the clock.

Files in reading order: cron · timing · schedule · plan.
"""
