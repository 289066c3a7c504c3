from __future__ import annotations

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
