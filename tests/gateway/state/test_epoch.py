from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.state.epoch import Epoch


def test_a_renewal_is_seen_through_every_other_mapping(tmp_path: Path) -> None:
    mine, theirs = Epoch(tmp_path / "epoch"), Epoch(tmp_path / "epoch")
    before = theirs.value
    mine.renew()
    assert theirs.value == mine.value != before
    mine.close()
    theirs.close()


def test_opening_does_not_change_it(tmp_path: Path) -> None:
    first = Epoch(tmp_path / "epoch")
    first.renew()
    value = first.value
    second = Epoch(tmp_path / "epoch")
    assert first.value == second.value == value
    first.close()
    second.close()


def test_no_value_comes_back(tmp_path: Path) -> None:
    epoch = Epoch(tmp_path / "epoch")
    seen = {epoch.value}
    for _ in range(1_000):
        epoch.renew()
        seen.add(epoch.value)
    epoch.close()
    assert len(seen) == 1_001


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    Epoch(tmp_path / "epoch").close()
    assert (tmp_path / "epoch").stat().st_mode & 0o777 == 0o600


def test_its_octets_are_no_hole_that_a_full_disk_could_not_fill(tmp_path: Path) -> None:
    Epoch(tmp_path / "epoch").close()
    assert (tmp_path / "epoch").stat().st_blocks > 0


def test_a_renewal_is_heard_through_every_other_mapping(tmp_path: Path) -> None:
    mine, theirs = Epoch(tmp_path / "epoch"), Epoch(tmp_path / "epoch")

    async def scenario() -> None:
        heard = asyncio.Event()
        with mine.heard(heard.set):
            for epoch in (theirs, mine):
                epoch.renew()
                async with asyncio.timeout(20):
                    await heard.wait()
                heard.clear()

    asyncio.run(scenario())
    mine.close()
    theirs.close()


def test_more_renewals_than_anybody_takes_in_do_not_block(tmp_path: Path) -> None:
    epoch = Epoch(tmp_path / "epoch")

    async def scenario() -> None:
        heard = asyncio.Event()
        with epoch.heard(heard.set):
            for _ in range(2_000):
                epoch.renew()
            async with asyncio.timeout(20):
                await heard.wait()

    asyncio.run(scenario())
    epoch.close()


def test_who_comes_second_hears_once_the_first_has_gone(tmp_path: Path) -> None:
    epoch = Epoch(tmp_path / "epoch")

    async def hears() -> bool:
        heard = list[str]()
        with epoch.heard(noting(heard, "first")):
            with epoch.heard(noting(heard, "second")):
                epoch.renew()
                await until(lambda: bool(heard))
            epoch.renew()
            await until(lambda: len(heard) == 2)
        with epoch.heard(noting(heard, "second")):
            epoch.renew()
            await until(lambda: len(heard) == 3)
        return heard == ["first", "first", "second"]

    assert asyncio.run(hears())
    epoch.close()


def test_nothing_is_heard_of_another_epoch(tmp_path: Path) -> None:
    mine, another = Epoch(tmp_path / "epoch"), Epoch(tmp_path / "another")

    async def scenario() -> list[str]:
        heard = list[str]()
        with mine.heard(noting(heard, "mine")), another.heard(noting(heard, "another")):
            another.renew()
            await until(lambda: bool(heard))
        return heard

    assert asyncio.run(scenario()) == ["another"]
    mine.close()
    another.close()


def noting(heard: list[str], name: str) -> Callable[[], None]:
    return lambda: heard.append(name)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
