"""The API as the console's pages know it: TypeScript types, generated from the OpenAPI document.

``python -m console.contract`` writes them anew.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from pathlib import Path

from service.service_world import a_world

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
BUILT = ROOT / "src" / "tradefree" / "service" / "console"
TYPES = CONSOLE / "src" / "api" / "schema.d.ts"


def write_types(target: Path) -> None:
    """Generate the types of the service as it is now. Needs ``make console``."""
    assert (CONSOLE / "node_modules").is_dir(), "run `make console` first (it needs Node 20 or newer)"
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(asyncio.run(_document())), encoding="utf-8")
        command = [
            "npx",
            "--no-install",
            "openapi-typescript",
            str(document),
            "-o",
            str(target),
            "--default-non-nullable=false",
        ]
        subprocess.run(command, cwd=CONSOLE, check=True, capture_output=True)


async def _document() -> dict[str, object]:
    async with a_world() as world:
        return world.app.openapi()


if __name__ == "__main__":
    write_types(TYPES)
