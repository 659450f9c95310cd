"""`python -m tradefree.testing.dify_standin`."""

from __future__ import annotations

import argparse

from tradefree.testing.dify_standin.process import serve


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="dify_standin", description="A stand-in for a Dify server, for demos and tests."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--apps", help="YAML file of apps; without it the demo's apps")
    parser.add_argument("--ledger", help="file for one JSON line per fact")
    options = parser.parse_args()
    serve(options.host, options.port, options.apps, options.ledger)


if __name__ == "__main__":
    main()
