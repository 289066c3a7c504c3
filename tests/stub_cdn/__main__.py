"""`python -m tests.stub_cdn KIND [PORT]`: serve a stub CDN and tell what it takes."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict

from tests.stub_cdn import KINDS, StubCdn, serving, setup_for


async def main(kind: str, port: int) -> None:
    stub = StubCdn(kind)
    async with serving(stub, port) as url:
        told = {name: value for name, value in asdict(setup_for(kind, url)).items() if value}
        print(f"[cdn.{told.pop('name')}]", f'provider = "{kind}"', sep="\n")
        print(*(f"{name} = {value!r}" for name, value in told.items()), sep="\n", flush=True)
        while True:
            await asyncio.sleep(0.5)
            while stub.taken:
                order = stub.taken.popleft()
                print("soft" if order.soft else "hard", *order.names, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: python -m tests.stub_cdn {'|'.join(KINDS)} [PORT]")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8099))
