"""Residency: a bound zone is where it says it may be, and nowhere else."""

from __future__ import annotations

import pytest

from gateway.documents import Zone
from gateway.regions import Residency


def zone(home: str, *allowed: str) -> Zone:
    return Zone(name="clinic", store="main", buckets=("scans",), home=home, allowed=allowed)


@pytest.mark.parametrize("region", ["", "eu", "us"])
def test_a_zone_without_a_home_may_be_anywhere(region: str) -> None:
    assert Residency(region).admits(zone(""))


@pytest.mark.parametrize("region", ["eu", "ch", "uk"])
def test_a_zone_may_be_at_home_and_where_it_is_allowed(region: str) -> None:
    assert Residency(region).admits(zone("eu", "ch", "uk"))


@pytest.mark.parametrize("region", ["us", "e", "EU", "eu-west", " eu"])
def test_a_zone_may_be_nowhere_else(region: str) -> None:
    assert not Residency(region).admits(zone("eu", "ch"))


def test_an_unknown_region_admits_no_bound_zone() -> None:
    assert not Residency().admits(zone("eu"))
    assert not Residency("").admits(zone("eu", ""))
