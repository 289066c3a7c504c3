"""The Worker before a real gateway: what it asks for is what the gateway answers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from gateway.edges import Backend, facts_of
from gateway.edges.worker import rendered
from gateway.settings import Settings
from tests.workers.runtime import Answer, Worker, ask, running

pytestmark = pytest.mark.engines

BODY = b"%PDF-1.7\n" + b"x" * 3000
TODAY = "Date.now = () => new Date().getTime();"


class Front(NamedTuple):
    """A gateway, and the port of the Worker before it."""

    gateway: Any
    port: int

    def ask(self, target: str, **fields: str) -> Answer:
        return ask(self.port, f"127.0.0.1:{self.gateway.port}", target, **fields)


@pytest.fixture(scope="module")
def front(
    gateway_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    gateway = gateway_in(
        **{"cdn.edge": {"provider": "null", "shield": ["new-shield", "shield-of-the-tests"]}}
    )
    folder = gateway.documents / "reports"
    folder.mkdir(parents=True)
    (folder / "a.pdf").write_bytes(BODY)
    gateway.start()
    settings = Settings.model_validate(tomllib.loads(gateway.config.read_text()))
    text = rendered(facts_of(settings, "clinic"), Backend("127.0.0.1", gateway.port))
    workers = {"front": Worker(text, TODAY)}
    with running(tmp_path_factory.mktemp("before"), workers) as ports:
        yield Front(gateway, ports["front"])


@pytest.fixture(scope="module")
def target(front: Front) -> str:
    asked = {"documents": [{"zone": "clinic", "bucket": "documents", "key": "reports/a.pdf"}]}
    token = {"Authorization": f"Bearer {front.gateway.token}"}
    answer = front.gateway.client.post("/v1/links", json=asked, headers=token)
    template = answer.json()["links"][0]["template"].replace("{rendition}", "original")
    return str(httpx.URL(template).raw_path.decode())


def test_a_link_is_answered_through_the_worker(front: Front, target: str) -> None:
    answer = front.ask(target)
    assert (answer.status, answer.body.encode("latin-1")) == (200, BODY)
    assert front.ask(target, range="bytes=0-3").body == "%PDF"


def test_a_link_that_was_bent_is_refused_at_the_worker(front: Front, target: str) -> None:
    bent = target[:-1] + ("A" if target[-1] != "A" else "B")
    assert front.ask(bent).status == 403
    assert "x-request-id" not in front.ask(bent).fields


def test_the_copys_own_url_opens_nothing(front: Front, target: str) -> None:
    path, token = target.split("?t=")
    assert front.ask(f"{path}?c=iw0", ostiary_token=token).status == 403
    for shield in ({}, {"Ostiary-Shield": "guessed"}):
        fields = {"Ostiary-Token": token, **shield}
        assert front.gateway.client.get(f"{path}?c=iw0", headers=fields).status_code == 403


def test_the_api_is_reached_through_the_worker(front: Front) -> None:
    assert front.ask("/v1/links").status in (401, 405)
    assert front.ask("/admin/purge").status == 403
