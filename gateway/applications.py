"""What a worker serves: the parts behind their routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

from pydantic import BaseModel
from starlette.routing import Route, Router

from gateway.api.foldering import BODIES as FOLDERING_BODIES
from gateway.api.foldering import Foldering
from gateway.api.home import Examples, Home, no_examples
from gateway.api.hooks import Hooks
from gateway.api.introducing import BODIES as INTRODUCING_BODIES
from gateway.api.introducing import Introducing
from gateway.api.routes import BODIES as API_BODIES
from gateway.api.routes import Api, open_to_pages
from gateway.api.trusted import Trusted
from gateway.app import trusted
from gateway.auth import Authenticator
from gateway.companions.folders import Folders
from gateway.companions.introductions import Introductions
from gateway.companions.proofs import Proofs
from gateway.companions.uses import OneTime
from gateway.edge import Edge
from gateway.fronts.porter import Porter
from gateway.fronts.proxies import Fronts
from gateway.fronts.pullers import Pullers
from gateway.fronts.rates import Rates
from gateway.issuing.folderlinks import FolderIssuer
from gateway.operators.admin import Admin
from gateway.operators.purging import BODIES as PURGING_BODIES
from gateway.operators.purging import Purging
from gateway.operators.redacting import BODIES as REDACTING_BODIES
from gateway.operators.redacting import Redacting
from gateway.operators.revoking import BODIES as REVOKING_BODIES
from gateway.operators.revoking import Revoking
from gateway.operators.scoping import Scoping
from gateway.parts import Parts
from gateway.receipts import Receipts
from gateway.routes import Gateway
from gateway.state.redactions import StoredRedactions
from gateway.state.spent import Spent
from gateway.state.uses import Uses
from gateway.storage import Storage
from gateway.telemetry import Draining, Telemetry
from gateway.wire.asgi import App, Field, Scope
from signing.badges import Badges
from signing.receipts import Sealer

_BODIES: Mapping[str, type[BaseModel]] = {
    **API_BODIES,
    **INTRODUCING_BODIES,
    **FOLDERING_BODIES,
    **PURGING_BODIES,
    **REVOKING_BODIES,
    **REDACTING_BODIES,
}


@dataclass(frozen=True, slots=True)
class Applications:
    """What a worker serves: `admin` is None when everything answers on the main port.

    `start` and `close` are awaited once each, around the serving.
    """

    main: App
    admin: App | None
    start: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def build(
    parts: Parts, telemetry: Telemetry, draining: Draining, examples: Examples = no_examples
) -> Applications:
    """Put the parts behind their routes."""
    settings = parts.settings
    moved = settings.admin.port is not None
    authenticator = Authenticator(settings.admin)
    api = _api(parts, authenticator, telemetry)
    admin = _admin(parts, authenticator, telemetry, draining)
    redacting = Redacting(authenticator, StoredRedactions(parts.database))
    operations = [*admin.operations(), *_taking_back(parts, authenticator), *redacting.routes()]
    home = Route("/", Home(examples).page, methods=["GET"])
    corp = settings.server.corp
    secret = settings.supabase.webhook_secret.get_secret_value()
    hooks = Hooks(secret, parts.project.hints, telemetry.metrics)
    introducing = _introducing(parts, authenticator)
    foldering = _foldering(parts, authenticator, introducing.trusted, telemetry)
    main = [home, *api.routes(), *introducing.routes(), *foldering.routes()]
    main += [*hooks.routes(), *admin.health()]
    main += [] if moved else operations
    router = Router(main, redirect_slashes=False)

    def opened(scope: Scope) -> Sequence[Field]:
        return introducing.trusted.opened(scope) or open_to_pages(scope)

    porter = _porter(parts, authenticator)
    others = Edge(router, telemetry, corp=corp, opened=opened, admit=porter.call)
    storage = Storage.of(parts, trusted(), telemetry, porter)
    routed = storage.face if settings.supabase.configured else others
    gateway = _gateway(parts, telemetry, porter, foldering.folders, (routed, others))
    aside_routes = Router([*operations, *admin.health()], redirect_slashes=False)
    aside = Edge(aside_routes, telemetry, corp=corp, admit=porter.call)
    fronts = Fronts.of(settings.server, porter.pullers)

    async def start() -> None:
        await parts.start()
        telemetry.start()

    async def close() -> None:
        await storage.proxy.aclose()
        await parts.close()
        porter.rates.close()
        telemetry.close()

    return Applications(
        main=fronts.before(gateway, counted=porter.rates.clients),
        admin=fronts.before(aside, counted=False) if moved else None,
        start=start,
        close=close,
    )


def _taking_back(parts: Parts, authenticator: Authenticator) -> list[Route]:
    """The routes that purge and revoke."""
    scoping, signer = Scoping(parts.rules.zones), parts.rules.signer
    receipts = Receipts(parts.database, Sealer(parts.settings.signing.key_ring()))
    purging = Purging(authenticator, parts.purges, scoping, signer, frozenset(parts.providers))
    revoking = Revoking(authenticator, parts.purges, scoping, signer, receipts, parts.ledger)
    return [*purging.routes(), *revoking.routes()]


def _api(parts: Parts, authenticator: Authenticator, telemetry: Telemetry) -> Api:
    """The API for applications."""
    return Api(
        authenticator=authenticator,
        issuer=parts.issuer,
        descriptions=parts.descriptions,
        viewers=parts.project.viewers,
        telemetry=telemetry,
        bodies=_BODIES,
    )


def _gateway(
    parts: Parts, telemetry: Telemetry, porter: Porter, folders: Folders, beside: tuple[App, App]
) -> Gateway:
    """Links, and `beside` them the storage routes and all others."""
    return Gateway(
        *(parts.deliverer, *beside, parts.rules.zones, telemetry),
        porter=porter,
        proofs=_proofs(parts),
        one_time=OneTime(parts.rules.signer, Uses(parts.database)),
        folders=folders,
        corp=parts.settings.server.corp,
    )


def _porter(parts: Parts, authenticator: Authenticator) -> Porter:
    """Who lets requests in, by the settings."""
    settings = parts.settings
    rates = Rates.of(settings.limits, Path(settings.server.data))
    return Porter.of(Pullers.of(settings, parts.rules.zones), rates, authenticator)


def _proofs(parts: Parts) -> Proofs:
    """What tells who looks at a bound link."""
    rules, badges = parts.rules, Badges(parts.settings.signing.key_ring())
    return Proofs(rules.signer, badges, parts.project.callers, rules.revocations)


def _foldering(
    parts: Parts, authenticator: Authenticator, trusted_pages: Trusted, telemetry: Telemetry
) -> Foldering:
    """The routes of folder links."""
    rules, ledger = parts.rules, parts.ledger
    issuer, folders = FolderIssuer(rules, ledger), Folders(rules, ledger)
    return Foldering(authenticator, issuer, folders, trusted_pages, telemetry.metrics)


def _introducing(parts: Parts, authenticator: Authenticator) -> Introducing:
    """The routes by which browsers come to prove their viewers."""
    viewers = parts.settings.viewers
    introductions = Introductions(
        Badges(parts.settings.signing.key_ring()),
        parts.rules.revocations,
        Spent(parts.database),
        session=viewers.session,
        draw=lambda: token_urlsafe(12),
    )
    origins = frozenset(origin.encode() for origin in viewers.origins)
    zones = frozenset(parts.rules.zones)
    return Introducing(authenticator, introductions, Trusted(origins), zones)


def _admin(
    parts: Parts, authenticator: Authenticator, telemetry: Telemetry, draining: Draining
) -> Admin:
    """The operators' routes; on a port of their own metrics need no token."""
    return Admin(
        authenticator=authenticator,
        telemetry=telemetry,
        draining=draining,
        check=parts.check,
        remarks=parts.remarks,
        open_metrics=parts.settings.admin.port is not None,
    )
