"""The stores, one file for each step of a task's life."""
