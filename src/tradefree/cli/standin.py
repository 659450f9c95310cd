"""``dify-standin``: a server that behaves like Dify, for demos and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def dify_standin(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 0,
    apps: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML of apps.", show_default="the demo's")] = None,
    ledger: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one JSON line per fact here.")] = None,
) -> None:
    """Run a stand-in for a Dify server. Prints one JSON line with its URL and keys when it is ready."""
    from tradefree.testing.dify_standin import serve

    serve(host, port, apps, ledger)
