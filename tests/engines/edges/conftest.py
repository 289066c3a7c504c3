"""Real edges with rendered configurations, before an origin that would let everything be kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.edges.books import BOOK, Links
from tests.engines.edges.origins import Origin
from tests.engines.edges.running import Edge, Starter
from tests.engines.edges.servers import COMMANDS

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def start_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    starter = Starter(tmp_path_factory.mktemp)
    yield starter
    starter.stop()


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture(scope="module", params=[*COMMANDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def edge(kind: str, start_edge: Starter, origin: Origin) -> Edge:
    """The edge of the zone clinic."""
    return start_edge(kind, origin)


@pytest.fixture
def links() -> Links:
    return Links(BOOK["keys"])


@pytest.fixture
def name() -> str:
    """A document that only this test knows."""
    return f"documents/{next(NUMBERS)}.pdf"


@pytest.fixture(scope="session")
def book() -> dict[str, Any]:
    return dict(BOOK)
