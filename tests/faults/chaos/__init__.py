"""A storm of faults over a whole system, and a judge who looks at what is left.

Read ``plan`` (what is submitted, what strikes when), ``ground`` (the servers and processes), ``strikes`` (how each
fault is done), ``storm`` (one run of it all), ``evidence`` and ``judge``. ``python -m faults.chaos`` runs it by hand.
"""
