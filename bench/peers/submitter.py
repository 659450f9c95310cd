"""A process that submits jobs to one peer: ``python -m bench.peers.submitter MODULE``.

It obeys one line at a time and answers each with a line of JSON:

* ``greet``: submit the job that says the worker is there
* ``submit TASKS BYTES``: submit as fast as it goes. Answer: when it began and ended (monotonic clock of this machine,
  seconds), and the CPU seconds it took
* ``latencies TASKS BYTES RATE``: submit so many per second and wait for each result. Answer: seconds of each
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from types import ModuleType
from typing import Any

from bench.payload import payload


def main() -> None:
    """Obey until the end of the input."""
    peer = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        order, *numbers = line.split()
        print(json.dumps(_obey(peer, order, [float(number) for number in numbers])), flush=True)


def _obey(peer: ModuleType, order: str, numbers: list[float]) -> dict[str, Any]:
    match order, numbers:
        case "greet", []:
            peer.greet()
            return {}
        case "submit", [tasks, size]:
            payloads = [payload(int(size))] * int(tasks)
            began, cpu = time.monotonic(), time.process_time()
            peer.submit(payloads)
            return {"began": began, "ended": time.monotonic(), "cpu": time.process_time() - cpu}
        case "latencies", [tasks, size, rate]:
            return {"seconds": _latencies(peer, int(tasks), payload(int(size)), 1 / rate)}
    raise ValueError(order)


def _latencies(peer: ModuleType, tasks: int, given: Any, interval: float) -> list[float]:
    seconds = []
    begin = time.monotonic()
    for number in range(tasks):
        time.sleep(max(0.0, begin + number * interval - time.monotonic()))
        submitted = time.monotonic()
        peer.result(given)
        seconds.append(time.monotonic() - submitted)
    return seconds


if __name__ == "__main__":
    main()
