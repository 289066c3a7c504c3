"""What starts with the parts tells how it came up."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.app import compose
from gateway.settings import Settings
from imaging.workers.pool import RenderPool

ROOT = Path(__file__).resolve().parents[2]
BARE = """#!{python}
import socket, sys
sys.path.insert(0, {root!r})
from imaging.workers import protocol
from imaging.workers import worker
with socket.socket(fileno=0) as channel:
    channel.sendall(protocol.greeting(filtered={filtered}))
    worker.serve(channel)
"""


@pytest.mark.parametrize("filtered", [True, False])
def test_workers_that_no_filter_holds_are_told_of_loudly(tmp_path: Path, filtered: bool) -> None:
    program = tmp_path / "worker"
    program.write_text(BARE.format(python=sys.executable, root=str(ROOT), filtered=filtered))
    program.chmod(0o755)
    settings = Settings.model_validate(
        {"server": {"data": str(tmp_path / "data")}, "signing": {"keys": {"k1": "00" * 32}}}
    )

    async def main() -> None:
        pool = RenderPool(1, executable=str(program))
        parts = replace(compose(settings, serves=False), pool=pool)
        try:
            await parts.start()
        finally:
            await parts.close()

    with capture_logs() as told:
        asyncio.run(main())
    loud = [line for line in told if "WORKERS" in line["event"]]
    assert len(loud) == (not filtered)
