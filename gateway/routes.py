"""Routes: the raw ASGI edge. Links are answered here; everything else goes to the admin part.

The hot path stays outside Starlette's Request and Response: an answer from memory is one
synchronous walk from `scope` to two messages. Only `raw_path` and `query_string` reach the
verifier.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from time import time

from gateway.companions.folders import Folders
from gateway.companions.proofs import Proofs
from gateway.companions.uses import PART, SENT, OneTime
from gateway.deliver import Deliverer, forbidding
from gateway.deliveries import Delivery, FieldList
from gateway.documents import Zone
from gateway.errors import DocumentNotFound, RequestRefused
from gateway.exchanges import Exchange
from gateway.fronts.porter import Porter
from gateway.fronts.pullers import zone_of
from gateway.problems import prefers_html, problem_for, render
from gateway.streams import Stream
from gateway.telemetry import Telemetry, client_of
from gateway.transmissions import Transmitter
from gateway.wire.asgi import App, Receive, Scope, Send
from gateway.wire.crossorigin import OPEN
from gateway.wire.heads import EMPTY
from gateway.wire.security import security_fields
from imaging.errors import PageMissing
from signing import storage
from signing.links import Link
from signing.targets import ABSENT

LINKS = b"/d/"
STORAGE = f"{storage.PREFIX}/".encode()


class Gateway:
    """The ASGI application of the main port: links, the storage routes, and all `others`."""

    def __init__(
        self,
        deliverer: Deliverer,
        storage: App,
        others: App,
        zones: Mapping[str, Zone],
        telemetry: Telemetry,
        *,
        porter: Porter,
        proofs: Proofs,
        one_time: OneTime,
        folders: Folders,
        corp: str,
    ) -> None:
        self._deliverer = deliverer
        self._storage = storage
        self._others = others
        self._zones = zones
        self._telemetry = telemetry
        self._transmitter = Transmitter(deliverer, telemetry)
        self._pullers = porter.pullers
        self._porter = porter
        self._counts_links = porter.rates.links
        self._proofs = proofs
        self._one_time = one_time
        self._folders = folders
        self._corp = corp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["raw_path"].startswith(LINKS):
            return self._link(scope, receive, send)
        if scope["type"] == "http" and scope["raw_path"].startswith(STORAGE):
            return self._storage(scope, receive, send)
        return self._others(scope, receive, send)

    async def _link(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["raw_path"], scope["query_string"]
        exchange = Exchange(self._telemetry.record(scope["method"]), scope["headers"], asked)
        exchange.record.client, exchange.record.route = client_of(scope), "d"
        try:
            if self._porter.watchful:
                self._porter.admit(zone_of(scope), exchange.fields, scope)
            delivery = await self._answer(exchange, scope)
        except Exception as error:  # every error has an answer; unknown ones are logged there
            delivery = self._problem(exchange, zone_of(scope), error)
        await self._transmitter.send(exchange, delivery, scope, receive, send)

    async def _answer(self, exchange: Exchange, scope: Scope) -> Delivery:
        if exchange.method == "OPTIONS":
            return self._options(scope["raw_path"])
        if exchange.method not in ("GET", "HEAD"):
            raise RequestRefused(
                405,
                "method.not-allowed",
                "A link answers GET and HEAD.",
                fields=((b"allow", b"GET, HEAD, OPTIONS"),),
            )
        deliverer = self._deliverer
        link = self._verified(exchange, scope)
        exchange.link = link
        if self._counts_links:
            self._porter.rates.token.spend(link.id)
        if link.audience != ABSENT:
            await self._prove(link, exchange)
        if not deliverer.gate.admit(link, exchange.viewer):
            await deliverer.gate.reread(link, exchange.viewer)
        if link.one_time != ABSENT:
            return await self._once(link, exchange, scope)
        request = exchange.request()
        return deliverer.hit(link, request) or await deliverer.deliver(link, request)

    async def _once(self, link: Link, exchange: Exchange, scope: Scope) -> Delivery:
        """Answer a link that is good once: to write down that it was used comes last."""
        goes_on = self._one_time.admit(link, exchange.method, exchange.fields, int(exchange.now))
        delivery = await self._deliverer.deliver(link, exchange.request())
        if delivery.status not in SENT or (goes_on and delivery.status == PART):
            return delivery
        try:
            kept = await self._one_time.use(link, dict(scope["headers"]), int(time()))
            # The disk takes its time, and the link may have been taken back meanwhile.
            self._deliverer.gate.admit(link, exchange.viewer)
        except BaseException:
            if isinstance(delivery.body, Stream):
                await delivery.body.aclose()
            raise
        delivery.fields.append(kept)
        return delivery

    async def _prove(self, link: Link, exchange: Exchange) -> None:
        """Find out who looks, once it is known that the link was not taken back."""
        await self._deliverer.gate.check_revoked(link)
        exchange.viewer = await self._proofs.viewer(link, exchange.fields, exchange.now)

    def _verified(self, exchange: Exchange, scope: Scope) -> Link:
        raw_path, asked = scope["raw_path"], scope["query_string"]
        query = self._pullers.query(scope, exchange.fields)
        if not query:
            sent = exchange.fields.get(b"cookie", b"")
            return self._folders.held(raw_path, sent, int(exchange.now))
        link = self._deliverer.verify(raw_path, query, exchange.now)
        if query is not asked:
            self._pullers.check(link, asked)
            exchange.proven = True
        return link

    def _options(self, raw_path: bytes) -> Delivery:
        """A constant 204 with the zone's CORS; no token is looked at."""
        segments = raw_path.split(b"/", 4)
        zone = self._zones.get(segments[3].decode("ascii", "replace")) if segments[4:] else None
        fields: FieldList = [
            *forbidding(time()),
            (b"allow", b"GET, HEAD, OPTIONS"),
            *security_fields(self._corp, pdf=False),
        ]
        if zone is not None and zone.cors:
            fields += [
                (b"access-control-allow-origin", b"*"),
                (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
                (b"access-control-allow-headers", b"Authorization, Range, If-None-Match, If-Range"),
                (b"access-control-max-age", b"86400"),
            ]
        return Delivery(204, EMPTY, fields, b"")

    def _problem(self, exchange: Exchange, named: str, error: Exception) -> Delivery:
        """The answer that an error is; pages may read it where the zone `named` lets them read."""
        problem = problem_for(error)
        exchange.record.code = problem.code
        if problem.status == 500:
            self._telemetry.fault(exchange.record.request_id, error)
        status, fields, body = render(
            problem,
            request_id=exchange.record.request_id,
            html=prefers_html(exchange.field(b"accept")),
            corp=self._corp,
        )
        link = exchange.link
        if link is not None and isinstance(error, DocumentNotFound | PageMissing):
            fields += self._deliverer.absent(link, exchange.now)
        else:
            fields += forbidding(exchange.now)
            fields.append((b"x-request-id", exchange.record.request_id.encode()))
        zone = self._zones.get(named)
        if zone is not None and zone.cors:
            fields += OPEN
        return Delivery(status, EMPTY, fields, b"" if exchange.method == "HEAD" else body)
