from __future__ import annotations

import asyncio

from cdn.providers.base import PurgeReceipt
from cdn.providers.null import Null
from cdn.purge import Purge


def test_it_confirms_and_remembers_what_it_was_asked() -> None:
    null = Null()

    async def ask() -> list[PurgeReceipt]:
        return [await null.purge(["d-1"], soft=True), await null.purge(("d-2",), soft=False)]

    receipts = asyncio.run(ask())
    assert list(null.asked) == [Purge(("d-1",), True), Purge(("d-2",), False)]
    assert receipts[1] == PurgeReceipt("null", "2", "no cache to purge")


def test_it_remembers_no_more_than_a_thousand() -> None:
    null = Null("quiet")

    async def ask() -> None:
        for _ in range(1_001):
            await null.purge(["d-1"], soft=True)

    asyncio.run(ask())
    assert len(null.asked) == 1_000
