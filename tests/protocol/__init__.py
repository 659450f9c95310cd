"""The protocol as a whole, under random use."""
