"""The stub CDN: it reads orders by a vendor's rules, keeps count, and breaks when told to."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from tests.stub_cdn.calls import Call, Order, Question, Refusal, Reply, Vendor
from tests.stub_cdn.contracts import CONTRACTS, Contract, Meter
from tests.stub_cdn.faults import Faults
from tests.stub_cdn.plain import Bunny, Cloudflare, Fastly, Nginx, Supabase, Varnish, Vercel
from tests.stub_cdn.signed import Akamai, CloudFront, Google

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KINDS: Mapping[str, Callable[[], Vendor]] = {
    "varnish": Varnish,
    "cloudflare": Cloudflare,
    "fastly": Fastly,
    "cloudfront": CloudFront,
    "bunny": Bunny,
    "akamai": Akamai,
    "google": Google,
    "vercel": Vercel,
    "nginx": Nginx,
    "supabase": Supabase,
}


class CutOff(Exception):
    """Ends the connection in the middle of an answer."""


class StubCdn:
    """One customer's CDN of a vendor.

    `taken` holds the orders it took, `throttled` counts calls beyond the contract's rate, which a
    good client never makes, `refused` the statuses of all its refusals, injected ones apart,
    `asked` the questions how far an order is.
    `keep` puts an answer into its cache, `serves` says what a reader would get.
    """

    def __init__(
        self,
        kind: str,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
        contract: Contract | None = None,
    ) -> None:
        self.kind = kind
        self.vendor = KINDS[kind]()
        self.contract = contract or CONTRACTS[kind]
        self.taken: deque[Order] = deque()
        self.refused: Counter[int] = Counter()
        self.throttled = 0
        self.calls = 0
        self.asked = 0
        self._faults = faults or Faults()
        self._clock = clock
        self._meters = Meter(self.contract.calls, clock), Meter(self.contract.names, clock)
        self._kept: dict[str, frozenset[str]] = {}
        self._felt: list[tuple[float, Order]] = []
        self._known: dict[str, Order] = {}

    def keep(self, url: str, *names: str) -> None:
        """Store an answer under its names: its tags, or itself where there are none."""
        self._kept[url] = frozenset(names)

    def serves(self, url: str) -> str:
        """`hit`, `stale` or `miss`, by what is felt of the purges by now."""
        names = self._kept.get(url)
        if names is None:
            return "miss"
        felt = [one for at, one in self._felt if at <= self._clock() and names & set(one.names)]
        if not felt:
            return "hit"
        return "stale" if all(order.soft for order in felt) else "miss"

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        call = await _call(scope, receive)
        if call is None:
            return
        fault = self._faults.next()
        self.calls += 1
        if fault == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault in ("429", "500", "503"):
            again = (("retry-after", "0.05"),) if fault == "429" else ()
            await _send(send, Reply(int(fault), {"error": "injected"}, again))
        elif fault == "cut":
            await _cut(send)
        else:
            reply = self.answer_to(call)
            await (_cut(send) if fault == "lost" else _send(send, reply))

    def answer_to(self, asked: Call | Order) -> Reply:
        """What is said to a call, or to what a call orders."""
        try:
            order = self.vendor.order(asked) if isinstance(asked, Call) else asked
            if isinstance(order, Question):
                return self._told(order.reference)
            return order if isinstance(order, Reply) else self._took(order)
        except Refusal as refusal:
            self.refused[refusal.reply.status] += 1
            return refusal.reply

    def _told(self, reference: str) -> Reply:
        self.asked += 1
        number = reference.removeprefix(f"{self.kind}-")
        if not number.isdigit() or not 1 <= int(number) <= len(self._felt):
            raise Refusal(self.vendor.unknown())
        return self.vendor.progress(reference, self._felt[int(number) - 1][0] <= self._clock())

    def _took(self, order: Order) -> Reply:
        if len(order.names) > self.contract.batch:
            raise Refusal(Reply(413 if self.kind == "akamai" else 400, {"error": "too many"}))
        self._meter(order)
        reference = f"{self.kind}-{len(self.taken) + 1}"
        if self.contract.keyed and order.key:
            if self._known.setdefault(order.key, order) != order:
                raise Refusal(Reply(400, {"error": "another order has this key"}))
            if order in self.taken:
                return self.vendor.taken(order, f"{self.kind}-{list(self.taken).index(order) + 1}")
        self.taken.append(order)
        self._felt.append((self._clock() + self.contract.delay, order))
        return self.vendor.taken(order, reference)

    def _meter(self, order: Order) -> None:
        """All or nothing: a call that is too much for one meter costs the other nothing."""
        calls, names = self._meters
        wait = max(calls.wait(1), names.wait(len(order.names)))
        if wait:
            self.throttled += 1
            again = (("retry-after", f"{wait:.3f}"),)
            raise Refusal(Reply(429, {"error": "too fast"}, again))
        calls.take(1)
        names.take(len(order.names))


async def _call(scope: Mapping[str, Any], receive: Receive) -> Call | None:
    """The call, None where whoever made it was killed before its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return Call(
        scope["method"],
        scope["raw_path"].decode(),
        scope["query_string"].decode(),
        {name.decode(): value.decode() for name, value in scope["headers"]},
        body,
    )


async def _send(send: Send, reply: Reply) -> None:
    body = reply.octets()
    fields = [(name.encode(), value.encode()) for name, value in reply.fields]
    fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def _cut(send: Send) -> None:
    fields = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b'{"half', "more_body": True})
    raise CutOff
