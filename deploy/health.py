"""Ask the process in this container if it lives; exit code 1 if it does not.

A service answers on its own port, a worker on that of its metrics.
"""

import os
import sys
import urllib.error
import urllib.request

PLACES = (("TRADEFREE_PORT", "8080", "/healthz"), ("TRADEFREE_METRICS_PORT", "9464", "/metrics"))


def answers(url: str) -> bool:
    """True if somebody is there, even if it asks for a token."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 (it is ours)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


if __name__ == "__main__":
    urls = [f"http://127.0.0.1:{os.environ.get(name) or default}{path}" for name, default, path in PLACES]
    sys.exit(not any(map(answers, urls)))
