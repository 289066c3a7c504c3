"""The whole way: `ostiary serve` behind edges as `ostiary edge render` prints them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from gateway.cli import main

pytestmark = pytest.mark.engines

SHIELD = "a-shield-of-the-tests"
NUMBERS = itertools.count()


def printed(gateway: Any, kind: str) -> str:
    words = ["edge", "render", kind, "--config", str(gateway.config), "--zone", "clinic"]
    result = CliRunner().invoke(main, [*words, "--backend", f"127.0.0.1:{gateway.port}"])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module", params=["", SHIELD], ids=["token", "shield"])
def front(
    request: pytest.FixtureRequest,
    kind: str,
    gateway_in: Callable[..., Any],
    start_edge: Callable[..., Any],
) -> tuple[Any, Any]:
    """A gateway and the edge in front of it."""
    gateway = gateway_in()
    place = SimpleNamespace(port=gateway.port, seen=[])

    def own(files: dict[str, str]) -> dict[str, str]:
        return {part: printed(gateway, part) for part in files}

    edge = start_edge(kind, place, spoil=own, shield=request.param)
    shield = f'shield = ["{SHIELD}"]\n' if request.param else ""
    gateway.config.write_text(
        f'{gateway.config.read_text()}\n[cdn.{kind}]\nprovider = "{kind}"\n'
        f'url = "http://127.0.0.1:{edge.purges}"\nsecret = "purge-secret-of-the-edges"\n{shield}'
    )
    gateway.start()
    return gateway, edge


@pytest.fixture
def key(front: tuple[Any, Any]) -> str:
    """A picture that only this test knows."""
    name, picture = f"pictures/{next(NUMBERS)}.png", BytesIO()
    Image.effect_noise((800, 600), 90).convert("RGB").save(picture, "PNG")
    front[0].put(name, picture.getvalue())
    return name


def test_links_that_the_gateway_issues_share_one_copy(front: tuple[Any, Any], key: str) -> None:
    gateway, edge = front
    one = gateway.link(key, "w320", grant="previews", expires_in=600)
    other = gateway.link(key, "w320", grant="previews", expires_in=3600)
    assert one != other
    first = edge.get(one, Accept="image/webp,*/*")
    assert (first.status, first.fields["x-cache"]) == (200, "miss")
    assert first.fields["content-type"] == "image/webp"
    again = edge.get(other, Accept="image/png, image/webp")
    assert (again.status, again.fields["x-cache"], again.body) == (200, "hit", first.body)
    assert edge.get(one, Accept="image/png").fields["content-type"] == "image/jpeg"
    assert edge.get(other[:-1] + "!").status == 403
    assert edge.get(one.replace("/w320/", "/original/")).status == 403


def test_after_a_revocation_only_newer_links_open(front: tuple[Any, Any], key: str) -> None:
    gateway, edge = front
    old = gateway.link(key)
    assert edge.get(old).status == 200
    gateway.revoke(key)
    new = gateway.link(key)
    reply = edge.get(new)
    assert (reply.status, reply.fields["x-cache"]) == (200, "miss")
    deadline = time.monotonic() + 30
    while (status := edge.get(old).status) == 200:
        assert time.monotonic() < deadline, "the edge is told"
        time.sleep(0.02)
    assert status == 410


def test_purged_copies_are_gone_for_every_rendition(
    front: tuple[Any, Any], kind: str, key: str
) -> None:
    gateway, edge = front
    links = [gateway.link(key, name) for name in ("w160-webp", "original")]
    for link in links:
        assert [edge.get(link).fields["x-cache"] for _ in range(2)] == ["miss", "hit"]
    document = {"zone": "clinic", "bucket": "documents", "key": key}
    body = {"documents": [document], "soft": kind == "nginx"}  # where soft is hard
    told = gateway.post("/admin/purge", body, Prefer="wait=20").json()
    assert told["state"] == "sent", told
    assert [edge.get(link).fields["x-cache"] for link in links] == ["miss", "miss"]


def test_a_link_good_once_passes_the_edge_once(front: tuple[Any, Any], key: str) -> None:
    gateway, edge = front
    url = gateway.link(key, grant="original", one_time=True)
    assert edge.get(url, "HEAD").status == 405
    first = edge.get(url)
    assert (first.status, "no-store" in first.fields["cache-control"]) == (200, True)
    assert edge.get(url).status == 410
    cookie = first.fields["set-cookie"].partition(";")[0]
    more = edge.get(url, Range="bytes=0-3", Cookie=cookie)
    assert (more.status, more.body) == (206, first.body[:4])


def test_a_folder_link_passes_the_edge_and_is_judged_each_time(
    front: tuple[Any, Any], key: str
) -> None:
    gateway, edge = front
    body = {"folders": [{"bucket": "documents", "folder": "pictures"}]}
    [folder] = gateway.post("/v1/folders", body).json()["folders"]
    template = "/d/" + folder["template"].partition("/d/")[2]
    url = template.format(rendition="w320-webp", key=key.removeprefix("pictures/"))
    bodies = {edge.get(url).body for _ in range(2)}
    assert len(bodies) == 1
    assert edge.get(url[:-1] + ("A" if url[-1] != "A" else "B")).status == 403
    assert edge.get(url.partition("?")[0]).status == 403
    gateway.revoke(key)
    assert edge.get(url).status == 410
