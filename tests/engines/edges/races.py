"""Races: documents revoked while they are read, and read by newer links, through one cache.

Each race has to have been one. Before the receipt: the old link was a hit, was asked for while the
purge was under way, an answer that the gateway gave before the revocation reached the cache after
the first pass and was served from there, the newer link filled the cache and was a hit.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from cdn.tags import document_tag, folder_tag
from tests.engines.edges.ways import Way
from tests.engines.edges.wire import Reply

PATIENCE = 60.0
PAUSE = 0.02
ABREAST = 20
READERS: tuple[Mapping[str, str], ...] = ({}, {}, {"Range": "bytes=0-99"})
ROUNDS = 10


@dataclass
class Passes:
    """How often the cache was told to forget a tag; no second time while it is in `late`."""

    done: Counter[str] = field(default_factory=Counter)
    late: set[str] = field(default_factory=set)


@dataclass
class Verdict:
    """What viewers got of one document after its confirmed receipt, and what happened before.

    `racing`: reads of the old link while the purge was under way; `stored`: an old answer was
    served from the cache after the first pass; `filled` and `kept`: the newer link brought a copy
    there, and was a hit; `passes`: of the purge, when the receipt was seen.
    """

    racing: int = 0
    stored: bool = False
    filled: int = 0
    kept: int = 0
    passes: int = 0
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


@dataclass(frozen=True)
class Course:
    """Where races are run: a gateway, the way to it, the cache before both and its purges."""

    gateway: Any
    way: Way
    port: int
    passes: Passes


@dataclass(frozen=True)
class Target:
    """A document's name, what is asked for to revoke it, and the tag that is purged for that."""

    name: str
    body: Mapping[str, object]
    tag: str


Targets = Callable[[int], Target]


def by_name(number: int) -> Target:
    name = f"races/{number}.txt"
    body = {"documents": [{"zone": "clinic", "bucket": "documents", "key": name}]}
    return Target(name, body, document_tag("clinic", "documents", name))


def by_folder(number: int) -> Target:
    """A document in a folder of the one that is declared revocable."""
    folder = f"folders/{number}"
    body = {"prefix": f"documents/{folder}/"}
    return Target(f"{folder}/of/it.txt", body, folder_tag("clinic", "documents", folder))


class Race:
    """One document, whose old links are read by some, revoked, and followed by newer links.

    An old link that is asked for once the receipt says confirmed counts, by whomever.
    """

    def __init__(self, course: Course, operator: httpx.AsyncClient, target: Target) -> None:
        self._port = course.port
        self._way = course.way
        self._passes = course.passes
        self._operator = operator
        self._name = target.name
        self._body = target.body
        self._tag = target.tag
        self._octets = (f"what nobody may read of {self._name}, ".encode() * 1500)[:40_000]
        course.gateway.put(self._name, self._octets)
        self._revoking = False
        self._confirmed = False
        self._over = False
        self._seen = 0
        self.verdict = Verdict()

    async def run(self) -> Verdict:
        """Revoke it in the middle of reads, and judge all that is asked for afterwards."""
        old, late = await self._link(), await self._link(disposition="download")
        async with asyncio.TaskGroup() as group:
            for fields in READERS:
                group.create_task(self._read(old, fields))
            await _until(lambda: self._seen >= len(READERS), "the old link is a hit")
            held = self._way.hold(late.partition("?")[0])
            first = group.create_task(self._once(late))
            await _until(held.given.is_set, "the gateway answers")
            self._passes.late.add(self._tag)
            self._revoking = True
            receipt = await self._revoke()
            renewed = await self._link()
            assert renewed != old
            for _ in range(2):
                group.create_task(self._refill(renewed))
            await _until(lambda: self._passes.done[self._tag] > 0, "the first pass")
            held.let_go()
            assert self._whole(await first)
            self.verdict.stored = _hit(again := await self._once(late)) and self._whole(again)
            verdict = self.verdict
            await _until(lambda: verdict.filled and verdict.kept, "the newer link is a hit")
            self._passes.late.discard(self._tag)
            await self._receipt(receipt)
            self.verdict.passes = self._passes.done[self._tag]
            self._confirmed = True
            await self._ask_all(old, late, renewed)
            self._over = True
        return self.verdict

    async def _ask_all(self, old: str, late: str, renewed: str) -> None:
        """The old links right after the newer one, again and again."""
        async with aclosing(Connection(self._port)) as edge:
            for _ in range(ROUNDS):
                await self._judge_new(edge, renewed)
                for fields in READERS[1:]:
                    await self._judge(edge, old, fields)
                    await self._judge(edge, late, fields)

    async def _once(self, target: str) -> Reply:
        async with aclosing(Connection(self._port)) as edge:
            return await edge.get(target, {})

    async def _read(self, old: str, fields: Mapping[str, str]) -> None:
        """Ask for the old link until all is over."""
        async with aclosing(Connection(self._port)) as edge:
            while not self._over:
                if self._confirmed:
                    await self._judge(edge, old, fields)
                else:
                    racing = self._revoking
                    reply = await edge.get(old, fields)
                    self._seen += _hit(reply) and reply.body in self._octets
                    self.verdict.racing += racing and not self._confirmed
                await asyncio.sleep(PAUSE)

    async def _refill(self, renewed: str) -> None:
        """Fill the cache by the newer link while the purge is under way, and after."""
        async with aclosing(Connection(self._port)) as edge:
            while not self._over:
                reply = await edge.get(renewed, {})
                if not self._confirmed and self._whole(reply):
                    self.verdict.kept += _hit(reply)
                    self.verdict.filled += not _hit(reply)
                await asyncio.sleep(PAUSE)

    async def _judge(self, edge: Connection, old: str, fields: Mapping[str, str]) -> None:
        reply = await edge.get(old, fields)
        self.verdict.asked += 1
        self.verdict.refused.append(reply.status)
        if reply.status in (200, 206, 304) or self._octets[:50] in reply.body:
            self.verdict.served += 1

    async def _judge_new(self, edge: Connection, renewed: str) -> None:
        reply = await edge.get(renewed, {})
        self.verdict.renewed += self._whole(reply)
        self.verdict.hits += self._whole(reply) and _hit(reply)

    def _whole(self, reply: Reply) -> bool:
        return reply.status == 200 and reply.body == self._octets

    async def _link(self, **wishes: str) -> str:
        document = {"zone": "clinic", "bucket": "documents", "key": self._name}
        reply = await self._post("/v1/links", documents=[document], **wishes)
        [issued] = reply.json()["links"]
        target = "/d/" + str(issued["template"]).split("/d/", 1)[1]
        return target.replace("{rendition}", "original")

    async def _revoke(self) -> str:
        return str((await self._post("/admin/revoke", **self._body)).headers["location"])

    async def _post(self, path: str, **body: object) -> httpx.Response:
        reply = await self._operator.post(path, json=body)
        assert reply.status_code in (200, 202), reply.text
        return reply

    async def _receipt(self, receipt: str) -> None:
        """Wait for both passes at the provider."""
        deadline = time.monotonic() + PATIENCE
        while (reply := await self._operator.get(receipt)).json()["state"] != "confirmed":
            assert time.monotonic() < deadline, reply.text
            await asyncio.sleep(5 * PAUSE)


async def _until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(PAUSE)


def _hit(reply: Reply) -> bool:
    return reply.fields.get("x-cache") == "hit"


def raced(course: Course, count: int, targets: Targets = by_name) -> list[Verdict]:
    """So many races, some of them at a time."""
    return asyncio.run(_raced(course, [targets(number) for number in range(count)]))


async def _raced(course: Course, targets: Sequence[Target]) -> list[Verdict]:
    gateway = course.gateway
    told = {"Authorization": f"Bearer {gateway.token}"}
    free = asyncio.Semaphore(ABREAST)
    # The gateway lets idle connections go after five seconds; ours are gone before it does.
    bounds = httpx.Limits(keepalive_expiry=1)
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE, headers=told, limits=bounds
    ) as operator:

        async def one(target: Target) -> Verdict:
            async with free:
                return await Race(course, operator, target).run()

        return await asyncio.gather(*map(one, targets))
