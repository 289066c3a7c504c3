"""Fixtures of the signing tests: one ring, four zones, and the second, plain implementation."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from signing.keys import Key, KeyRing
from signing.links import SignedZone, Signer

HERE = Path(__file__).parent
NOW = 1_800_000_000


@pytest.fixture(scope="session")
def now() -> int:
    return NOW


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    keys = [Key("k1", bytes(range(32))), Key("k2", bytes(range(32, 64)))]
    return KeyRing(keys, "k2", seal_key=bytes(range(64)))


@pytest.fixture(scope="session")
def signer(ring: KeyRing) -> Signer:
    zones = [
        SignedZone("clinic"),
        SignedZone("lab", window=60, longest_life=3600),
        SignedZone("vault", sealed=True),
    ]
    return Signer(ring, zones)


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    """The independent implementation that the vectors are made with."""
    spec = importlib.util.spec_from_file_location("plain_os1", HERE / "plain_os1.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["plain_os1"] = module
    spec.loader.exec_module(module)
    return module
