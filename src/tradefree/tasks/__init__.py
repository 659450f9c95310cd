"""The domain: what a task is and how it moves. Plain Python, no I/O.

Read in this order: states, task, retry, types, outcome, transitions, ports, catalog, submit, admit, attempt, recover,
control.
"""
