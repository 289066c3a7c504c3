"""kill -9 around a revocation's purge: nothing of it is lost, and the origin refuses at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from cdn.tags import document_tag
from tests.stub_cdn import StubCdn, serving, setup_for

pytestmark = pytest.mark.slow

LETTER = {"zone": "clinic", "bucket": "documents", "key": "letter.txt"}
TAG = document_tag("clinic", "documents", "letter.txt")


class Rehearsal:
    """A gateway whose one CDN nobody has started yet."""

    def __init__(self, gateway: Any, stub: StubCdn) -> None:
        self.gateway = gateway
        self.stub = stub

    def receipt(self, purge: str) -> dict[str, Any]:
        fields = {"Authorization": f"Bearer {self.gateway.token}"}
        answer = self.gateway.operator.get(f"/admin/purges/{purge}/receipt", headers=fields)
        assert answer.status_code == 200
        told = answer.json()["receipt"]
        assert isinstance(told, dict)
        return told

    def reaches(self, purge: str, state: str) -> dict[str, Any]:
        """The receipt, as soon as it says so."""
        deadline = time.monotonic() + 60
        while (told := self.receipt(purge))["state"] != state:
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        return told

    def killed(self, link: str) -> None:
        """Killed and begun anew, it refuses the link before anything else."""
        self.gateway.kill()
        self.gateway.start()
        answer = self.gateway.client.get(link)
        assert (answer.status_code, answer.json()["code"]) == (410, "link.revoked")

    def revoked(self) -> tuple[str, str]:
        """A link that was good, and the revocation that no CDN has heard of."""
        link = self.gateway.link("letter.txt")
        assert self.gateway.client.get(link).status_code == 200
        answer = self.gateway.post("/admin/revoke", {"documents": [LETTER]})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        return link, str(answer.json()["id"])


def test_a_revocation_outlives_kills_before_its_purge_and_between_its_passes(
    gateway_in: Callable[..., Any], spare_port: Callable[[], int]
) -> None:
    port, stub = spare_port(), StubCdn("varnish")
    edge = {
        "provider": "varnish",
        "url": f"http://127.0.0.1:{port}",
        "secret": setup_for("varnish", "").secret,
    }
    gateway = gateway_in(clinic={"cdn": ["edge"]}, cdn={"edge": edge}).start()
    gateway.put("letter.txt", b"A letter.")
    rehearsal = Rehearsal(gateway, stub)
    link, purge = rehearsal.revoked()
    rehearsal.killed(link)
    assert not stub.taken

    async def work() -> dict[str, Any]:
        async with serving(stub, port):
            await asyncio.to_thread(rehearsal.reaches, purge, "sent")
            assert [order.names for order in stub.taken] == [(TAG,)]
            await asyncio.to_thread(rehearsal.killed, link)
            return await asyncio.to_thread(rehearsal.reaches, purge, "confirmed")

    told = asyncio.run(work())
    assert [(order.names, order.soft) for order in stub.taken] == [((TAG,), False)] * 2
    assert told["asked_at"] <= told["providers"][0]["sent_at"] < told["confirmed_at"]
