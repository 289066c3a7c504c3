"""A Worker for each zone of the vectors, before a cache of everything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.edges import Backend
from gateway.edges.worker import rendered
from tests.workers.runtime import Answer, Worker, ask, running
from tests.workers.shelf import Shelf, shelf
from tests.workers.verdicts import ZONES, facts_of


@pytest.fixture(scope="session")
def cache() -> Iterator[Shelf]:
    with shelf() as made:
        yield made


@pytest.fixture(scope="session")
def ports(cache: Shelf) -> Iterator[dict[str, int]]:
    backend = Backend("127.0.0.1", cache.port)
    workers = {zone: Worker(rendered(facts_of(zone), backend)) for zone in ZONES}
    with tempfile.TemporaryDirectory() as made, running(Path(made), workers) as found:
        yield found


@pytest.fixture
def through(ports: dict[str, int], cache: Shelf) -> Callable[..., Answer]:
    """Asks the Worker of a zone: `through("clinic", target, method, field=value)`."""

    def asked(zone: str, target: str, method: str = "GET", **fields: str) -> Answer:
        return ask(ports[zone], cache.authority, target, method, **fields)

    return asked
