"""A problem as an HTTP answer: JSON (RFC 9457), or a page for people."""

from __future__ import annotations

import json
import re
from functools import cache

from jinja2 import Environment, PackageLoader, Template

from gateway.problems.problem import Problem
from gateway.wire.asgi import Field
from gateway.wire.security import security_fields

_JSON = (b"application/problem+json", b"application/json")
_WEIGHT = re.compile(rb"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def render(
    problem: Problem, *, request_id: str, html: bool, corp: str = "cross-origin"
) -> tuple[int, list[Field], bytes]:
    """Status, fields and body. The caller adds the cache policy and the request id's field.

    `html` says that the client prefers a page (`prefers_html`); `corp` is for `security_fields`.
    """
    if problem.constant:
        media_type, body = b"application/problem+json", _constant_body(problem)
    elif html:
        media_type, body = b"text/html; charset=utf-8", _page(problem, request_id)
    else:
        media_type, body = b"application/problem+json", _body(problem, request_id)
    fields = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    if problem.retry_after is not None:
        fields.append((b"retry-after", b"%d" % problem.retry_after))
    return problem.status, [*fields, *problem.fields, *security_fields(corp)], body


def prefers_html(accept: bytes) -> bool:
    """Whether an Accept field ranks HTML above JSON (RFC 9110 §12.5.1). No preference is no."""
    weights = dict(filter(None, map(_weighted, accept.lower().split(b","))))
    plain = max(_weight(weights, name) for name in _JSON)
    return _weight(weights, b"text/html") > plain


def _body(problem: Problem, request_id: str) -> bytes:
    members = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
        "request_id": request_id,
    }
    told = {name: value for name, value in members.items() if value}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _constant_body(problem: Problem) -> bytes:
    return _body(problem, "")


def _page(problem: Problem, request_id: str) -> bytes:
    return _template().render(problem=problem, request_id=request_id).encode()


@cache
def _template() -> Template:
    loader = PackageLoader("gateway")
    return Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(
        "problem.html"
    )


def _weighted(member: bytes) -> tuple[bytes, float] | None:
    """A media range of Accept and its weight; parameters other than q are not looked at."""
    media_range, *parameters = (part.strip(b" \t") for part in member.split(b";"))
    weight = next((part[2:] for part in parameters if part.startswith(b"q=")), b"1")
    return (media_range, float(weight)) if _WEIGHT.fullmatch(weight) else None


def _weight(weights: dict[bytes, float], media_type: bytes) -> float:
    """The most specific range that matches decides."""
    kind = media_type.partition(b"/")[0] + b"/*"
    ranges = (media_type, kind, b"*/*")
    return next((weights[name] for name in ranges if name in weights), 0.0)
