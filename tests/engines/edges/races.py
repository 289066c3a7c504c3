"""Races: documents revoked while they are read, and read by newer links, through one cache."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.engines.edges.wire import Reply

NUMBERS = itertools.count()
PATIENCE = 60.0
PAUSE = 0.02
ABREAST = 20
READERS: tuple[Mapping[str, str], ...] = ({}, {}, {"Range": "bytes=0-99"})
ROUNDS = 10


@dataclass
class Verdict:
    """What viewers got of one document after its confirmed receipt."""

    asked: int = 0
    served: int = 0
    renewed: int = 0
    hits: int = 0
    refused: list[int] = field(default_factory=list)


class Connection:
    """A connection to the cache that is kept: one question at a time, at little cost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str, fields: Mapping[str, str]) -> Reply:
        """Ask once; the answer has to tell its length."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [f"GET {target} HTTP/1.1", "Host: docs.example"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *told = head.strip().split("\r\n")
            found = {name.lower(): value for name, value in (one.split(": ", 1) for one in told)}
            body = await reader.readexactly(int(found["content-length"]))
        if found.get("connection") == "close":
            await self.aclose()
        return Reply(int(status.split()[1]), found, body)

    async def aclose(self) -> None:
        """Close it; the next question opens another."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Race:
    """One document, whose old link is read by some, revoked, and followed by newer links.

    An old link that is asked for once the receipt says confirmed counts, by whomever.
    """

    def __init__(self, gateway: Any, port: int, operator: httpx.AsyncClient) -> None:
        self._port = port
        self._operator = operator
        self._name = f"races/{next(NUMBERS)}.txt"
        self._octets = (f"what nobody may read of {self._name}, ".encode() * 1500)[:40_000]
        gateway.put(self._name, self._octets)
        self._confirmed = False
        self._over = False
        self._seen = 0
        self.verdict = Verdict()

    async def run(self) -> Verdict:
        """Revoke it in the middle of reads, and judge all that is asked for afterwards."""
        old = await self._link()
        async with asyncio.TaskGroup() as group:
            for fields in READERS:
                group.create_task(self._read(old, fields))
            await _until(lambda: self._seen >= len(READERS), "the old link is a hit")
            receipt = await self._revoke()
            renewed = await self._link()
            assert renewed != old
            for _ in range(2):
                group.create_task(self._refill(renewed))
            await self._receipt(receipt)
            self._confirmed = True
            await self._ask_both(old, renewed)
            self._over = True
        return self.verdict

    async def _ask_both(self, old: str, renewed: str) -> None:
        """The old link right after the newer one, again and again."""
        async with aclosing(Connection(self._port)) as edge:
            for _ in range(ROUNDS):
                await self._judge_new(edge, renewed)
                for fields in READERS[1:]:
                    await self._judge(edge, old, fields)

    async def _read(self, old: str, fields: Mapping[str, str]) -> None:
        """Ask for the old link until all is over."""
        async with aclosing(Connection(self._port)) as edge:
            while not self._over:
                if self._confirmed:
                    await self._judge(edge, old, fields)
                else:
                    reply = await edge.get(old, fields)
                    self._seen += reply.fields.get("x-cache") == "hit"
                await asyncio.sleep(PAUSE)

    async def _refill(self, renewed: str) -> None:
        """Fill the cache by the newer link while the purge is under way, and after."""
        async with aclosing(Connection(self._port)) as edge:
            while not self._over:
                await edge.get(renewed, {})
                await asyncio.sleep(PAUSE)

    async def _judge(self, edge: Connection, old: str, fields: Mapping[str, str]) -> None:
        reply = await edge.get(old, fields)
        self.verdict.asked += 1
        self.verdict.refused.append(reply.status)
        if reply.status in (200, 206, 304) or self._octets[:50] in reply.body:
            self.verdict.served += 1

    async def _judge_new(self, edge: Connection, renewed: str) -> None:
        reply = await edge.get(renewed, {})
        whole = reply.status == 200 and reply.body == self._octets
        self.verdict.renewed += whole
        self.verdict.hits += whole and reply.fields.get("x-cache") == "hit"

    async def _link(self) -> str:
        [issued] = (await self._post("/v1/links")).json()["links"]
        target = "/d/" + str(issued["template"]).split("/d/", 1)[1]
        return target.replace("{rendition}", "original")

    async def _revoke(self) -> str:
        return str((await self._post("/admin/revoke")).headers["location"])

    async def _post(self, path: str) -> httpx.Response:
        document = {"zone": "clinic", "bucket": "documents", "key": self._name}
        reply = await self._operator.post(path, json={"documents": [document]})
        assert reply.status_code in (200, 202), reply.text
        return reply

    async def _receipt(self, receipt: str) -> None:
        """Wait for both passes at the provider."""
        deadline = time.monotonic() + PATIENCE
        while (reply := await self._operator.get(receipt)).json()["state"] != "confirmed":
            assert time.monotonic() < deadline, reply.text
            await asyncio.sleep(5 * PAUSE)


async def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(PAUSE)


def raced(gateway: Any, port: int, count: int) -> list[Verdict]:
    """So many races behind the cache at `port`, some of them at a time."""
    return asyncio.run(_raced(gateway, port, count))


async def _raced(gateway: Any, port: int, count: int) -> list[Verdict]:
    told = {"Authorization": f"Bearer {gateway.token}"}
    free = asyncio.Semaphore(ABREAST)
    async with httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE, headers=told) as operator:

        async def one() -> Verdict:
            async with free:
                return await Race(gateway, port, operator).run()

        return await asyncio.gather(*(one() for _ in range(count)))
