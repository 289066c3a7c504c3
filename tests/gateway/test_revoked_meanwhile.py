"""A revocation that comes while an answer is on its way stops that answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.documents import DocumentRef
from gateway.state.revocations import document_scope
from gateway.stores import Body
from gateway.stores.memory import MemoryStore

REF = DocumentRef("clinic", "documents", "slow.bin")


class Held(MemoryStore):
    """Opens nothing before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        self.asked.set()
        await self.let_go.wait()
        return await super().open(bucket, key, first=first, last=last, identity=identity)


@pytest.mark.parametrize("size", [1_000, 3 << 20], ids=["in hand", "streamed"])
def test_what_is_fetched_is_not_given_out_once_revoked(
    open_door: Callable[..., Any], size: int
) -> None:
    door = open_door()
    door.put("slow.bin", b"x" * size)
    url = door.link("slow.bin")
    door.parts.catalogue.forget_all()
    door.parts.levels.memory.clear()
    held = Held()
    held.put("documents", "slow.bin", b"x" * size)
    door.store.open = held.open  # the same documents, behind a gate

    async def race() -> Any:
        asking = asyncio.create_task(door.client.get(url))
        await held.asked.wait()
        await door.parts.purges.revoke([document_scope(REF)], by="test", now=0.0)
        held.let_go.set()
        return await asking

    answer = door.run(race())
    assert answer.status_code == 410
    assert answer.json()["code"] == "link.revoked"
