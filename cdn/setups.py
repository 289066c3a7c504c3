"""A setup: what its user says about one CDN, held to what its kind needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from cdn.facts import FACTS, OUR_FIELD

_PLAIN = re.compile(r"[!-~]+", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#@\\]+(?:/[^\s?#\\]*)?")


@dataclass(frozen=True, slots=True)
class Setup:
    """One configured CDN.

    `id` is whatever the CDN calls the thing that is purged: zone, service, distribution, pull
    zone, URL map or project. `secret` and the tokens are never shown.
    """

    name: str
    url: str = ""
    id: str = ""
    account: str = ""
    plan: str = ""
    network: str = ""
    secret: str = field(default="", repr=False)
    client_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    access_key: str = field(default="", repr=False)


class Fault(NamedTuple):
    """What is wrong with a value, and how to mend it; neither repeats the value of a secret."""

    what: str
    hint: str = ""


def fault(kind: str, key: str, value: str) -> Fault | None:
    """What is wrong with `value` under `key` of a CDN of a known `kind`; None for nothing."""
    facts = FACTS[kind]
    if not value and key in facts.needs:
        return Fault(f"is needed by the provider {kind}", _hint(kind, key))
    if not value:
        return None
    if key not in facts.needs and key not in facts.takes:
        known = ", ".join((*facts.needs, *facts.takes)) or "nothing"
        return Fault(f"means nothing to the provider {kind}", f"it takes: {known}")
    if key == "plan":
        plans = ", ".join(facts.limits)
        return None if value in facts.limits else Fault("is no plan known here", f"known: {plans}")
    if kind == "google" and key == "secret":
        return None if _is_service_account(value) else _NO_ACCOUNT
    return None if _FORMS[key](value) else Fault(_FAULTS[key], _hint(kind, key))


def _hint(kind: str, key: str) -> str:
    ours = FACTS[kind].auth.field == OUR_FIELD
    return _OUR_SECRET if ours and key == "secret" else _HINTS[key]


def _is_url(text: str) -> bool:
    try:
        return bool(_URL.fullmatch(text)) and urlsplit(text).port != 0
    except ValueError:
        return False


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None


def _is_segment(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None


def _is_network(text: str) -> bool:
    return text in ("production", "staging")


def _is_service_account(text: str) -> bool:
    try:
        told = json.loads(text)
    except ValueError:
        return False
    return isinstance(told, dict) and all(
        isinstance(told.get(name), str) for name in ("client_email", "private_key", "token_uri")
    )


_NO_ACCOUNT = Fault(
    "is no key of a service account", "the JSON file that Google gives, such as by secret_FILE"
)
_NOT_PLAIN = "is not plain ASCII without spaces"
_FORMS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "url": _is_url,
        "id": _is_segment,
        "account": _is_segment,
        "network": _is_network,
        **dict.fromkeys(("secret", "client_token", "access_token", "access_key"), _is_plain),
    }
)
_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "url": "is not an http or https URL without user, query and fragment",
        "id": "is no name that may stand in a path",
        "account": "is no name that may stand in a path",
        "network": "is neither production nor staging",
        **dict.fromkeys(("secret", "client_token", "access_token", "access_key"), _NOT_PLAIN),
    }
)
_OUR_SECRET = "the same text as in the cache's configuration; make it with: openssl rand -hex 32"
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "url": "such as http://127.0.0.1:6081",
        "id": "of the zone, service, distribution, pull zone, URL map or project",
        "account": "Google's project, or Vercel's team",
        "network": "production is what is purged when nothing is said",
        **dict.fromkeys(
            ("secret", "client_token", "access_token", "access_key"),
            "plain ASCII without spaces, as the CDN gave it",
        ),
    }
)
