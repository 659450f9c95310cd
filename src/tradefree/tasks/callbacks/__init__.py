"""Callbacks: the world is told about tasks. A delivery is a task of a built-in type, made with the move it tells of.

Read in this order: subscription, secrets, told, delivery, subscriptions. The HTTP side is the package ``callbacks``.
"""
