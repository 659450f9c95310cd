"""Two leaders at once: each believes that it leads, and is replaced in the middle of its rounds."""
