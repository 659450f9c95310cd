"""The HTTP side of callbacks: where they may go, how they are signed and sent. What they say is ``tasks.callbacks``."""
