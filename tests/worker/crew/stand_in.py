"""What stands for a worker process: it tells its parent that it is ready, and ends as it is told to.

``stand_in.py FD KIND FOLDER``: ``good`` ends at SIGTERM, ``slow`` at the second one, ``deaf`` at none; ``dies`` ends by
itself at once, ``wrong`` as a process does that has a wrong setting.
"""

import os
import signal
import socket
import sys
from pathlib import Path

number, kind, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
mine = folder / str(os.getpid())
heard = 0


def hear(*_: object) -> None:
    global heard
    heard += 1
    mine.write_text("x" * heard)
    if kind != "deaf" and heard >= (2 if kind == "slow" else 1):
        os._exit(0)


signal.signal(signal.SIGTERM, hear)
mine.touch()
if kind == "dies":
    sys.exit(1)
if kind == "wrong":
    sys.exit(2)
tether = socket.socket(fileno=number)
tether.send(b"r")
while tether.recv(1):
    pass
os._exit(0)
