"""The sweep: each unit of work is disturbed at each of its statements, exhaustively."""
