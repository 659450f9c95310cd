"""Other task queues, each doing nothing as cheaply as it can. One file each: an app, a job, and how to submit.

A job returns what it was given. Results are not stored where that can be switched off. None of these files is imported
by the benchmark's own process: workers and submitters are processes of their own.
"""
