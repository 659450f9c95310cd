"""The arithmetic of admission: pure, no I/O, so that it can be tested exhaustively."""
