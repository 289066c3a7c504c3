"""Texts that edges say in the gateway's name, and the templates that say them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cdn.facts import PROFILES
from gateway.problems import problem_for, render
from signing.errors import LinkRefused

DOWN: Final = (
    '{"type":"about:blank","title":"Service Unavailable","status":503,'
    '"detail":"The document server does not answer."}'
)
"""What stands for an origin that does not answer."""

BROWSER: Final = 300
"""The longest, in seconds, that a browser keeps a shared answer without asking."""


FOR_CACHES: Final = tuple(
    sorted(
        {
            name.lower()
            for told in PROFILES.values()
            for name in (told.shared_field, told.tag_field)
            if name
        }
    )
)
"""The fields that are for shared caches of one kind or another, and for no browser."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The constant answer to whatever is no good link: its fields and its body."""

    fields: tuple[tuple[str, str], ...]
    body: str


@cache
def refusal() -> Refusal:
    """The gateway's own 403 for a link, octet for octet."""
    _, fields, body = render(problem_for(LinkRefused("edge")), request_id="", html=False)
    told = tuple((name.decode(), value.decode()) for name, value in fields)
    return Refusal(tuple(f for f in told if f[0] != "content-length"), body.decode())


@cache
def templates() -> Environment:
    """The templates of this package; their marks are no part of any language written by them."""
    return Environment(
        loader=PackageLoader("gateway"),
        undefined=StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # what goes in is checked in EdgeFacts and Backend
    )
