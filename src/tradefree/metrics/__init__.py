"""Metrics for Prometheus: what happens in this process is counted here, what the database knows is read at the scrape.

Labels are names that operators define (task types, queues, connections, scopes) or short lists of words. Lanes, keys,
tasks and callers are never labels: there may be millions of them.
"""
