"""A process that submits jobs to one peer: ``python -m bench.peers.submitter MODULE``.

It obeys one line at a time: ``greet``, or ``submit TASKS BYTES``. To the latter it answers with a line of JSON: when it
began and ended (monotonic clock of this machine, seconds) and the CPU seconds it took.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

from bench.payload import payload


def main() -> None:
    """Read orders until the end of the input."""
    peer = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        order, *numbers = line.split()
        if order == "greet":
            peer.greet()
            print("{}", flush=True)
            continue
        tasks, size = map(int, numbers)
        payloads = [payload(size)] * tasks
        began, cpu = time.monotonic(), time.process_time()
        peer.submit(payloads)
        done = {"began": began, "ended": time.monotonic(), "cpu": time.process_time() - cpu}
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
