"""The sides of a comparison: each starts, does a number of tasks, says how long it took, and stops."""
