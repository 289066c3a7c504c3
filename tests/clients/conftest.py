"""Node, the stand-in of Supabase's storage server, and gateways before one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.faces import Face, furnish, png
from tests.clients.node import HERE, PIECES, Node, found, installed
from tests.contract.server import ContractServer


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    program, npm = found()
    place = installed(program, npm)
    with tempfile.TemporaryDirectory(prefix="run-", dir=place) as made:
        folder = Path(made)
        for scripts in (HERE, PIECES):
            copy = folder / scripts.relative_to(HERE.parents[1])
            copy.mkdir(parents=True)
            for script in (*scripts.glob("*.mjs"), *scripts.glob("*.html")):
                shutil.copy(script, copy)
        yield Node(program, folder)


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Makes pictures, each different: `picture(7)`."""
    return png


@pytest.fixture(scope="module")
def direct() -> Iterator[Face]:
    """The stand-in, asked without a gateway."""
    with ContractServer() as upstream:
        furnish(upstream)
        yield Face(upstream)


@pytest.fixture(scope="module")
def gateway_before(gateway_in: Callable[..., Any]) -> Callable[..., Any]:
    """Starts a gateway before a stand-in of its own; settings of the zone are given by name."""

    @contextmanager
    def start(**zone: object) -> Iterator[Face]:
        with ContractServer() as upstream:
            furnish(upstream)
            gateway = gateway_in(
                supabase={
                    "url": upstream.url,
                    "service_key": upstream.service,
                    "jwt_secret": upstream.jwt_secret,
                },
                stores={"main": {"url": "supabase:"}},
                clinic={"buckets": ["documents", "pub"], **zone},
            )
            gateway.secrets |= {upstream.service, upstream.user_a, upstream.user_b}
            yield Face(upstream, gateway.start())
            gateway.stop()

    return start


@pytest.fixture(scope="module")
def through(gateway_before: Callable[..., Any]) -> Iterator[Face]:
    """A gateway before a stand-in of its own."""
    with gateway_before() as face:
        yield face
