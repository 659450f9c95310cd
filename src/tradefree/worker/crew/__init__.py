"""A crew: a small parent that starts, watches, scales and stops worker processes.

Read ``scaling`` (how many are wanted), ``tether`` (what ties a process to its parent), ``member`` (one process and its
successors), ``crew`` (all of them), ``demand`` (what the database says) and ``main``.
"""
