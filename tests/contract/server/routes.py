"""Which route a request takes, who it comes from, and under which operation policies see it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Literal
from urllib.parse import unquote

from tests.contract.server import buckets, listing, reading, signs, tus, writing
from tests.contract.server.answers import (
    Answer,
    Refusal,
    access_denied,
    dumped,
    invalid_request,
    json_answer,
)
from tests.contract.server.asks import Ask
from tests.contract.server.desk import PREFIX, Call, Desk
from tests.contract.server.tokens import BadToken, Caller

Handler = Callable[[Call], Answer | Awaitable[Answer]]
# "none": no credentials; "lenient": bad ones are none; "needed": the field must be there;
# "token": an absent field is an empty token.
Credentials = Literal["none", "lenient", "needed", "token"]


@dataclass(frozen=True, slots=True)
class Route:
    """One route: methods, a pattern over the path below the prefix, and what it leads to."""

    methods: frozenset[str]
    pattern: re.Pattern[str]
    handler: Handler
    operation: str
    credentials: Credentials = "needed"


def _route(
    line: str, handler: Handler, operation: str, credentials: Credentials = "needed"
) -> Route:
    methods, path = line.split(" ", 1)
    pattern = path.replace("{b}", "(?P<bucket>[^/]+)").replace("{k}", "(?P<key>.+)")
    compiled = re.compile(pattern)
    return Route(
        frozenset(methods.split("|")), compiled, handler, f"storage.{operation}", credentials
    )


def _read(
    open_: Callable[[Call], reading.Found], show: Callable[[Call, reading.Found], Answer]
) -> Handler:
    return lambda call: show(call, open_(call))


_GET, _RENDER, _INFO = reading.original, reading.rendition, reading.info
_PUBLIC, _OWN, _SIGNED = reading.public, reading.authenticated, reading.signed

ROUTES = (
    _route("POST /object/sign/{b}/{k}", signs.one, "object.sign"),
    _route("POST /object/sign/{b}", signs.many, "object.sign_many"),
    _route("GET|HEAD /object/sign/{b}/{k}", _read(_SIGNED, _GET), "object.get_signed", "none"),
    _route("GET|HEAD /object/public/{b}/{k}", _read(_PUBLIC, _GET), "object.get_public", "none"),
    _route("GET|HEAD /object/authenticated/{b}/{k}", _read(_OWN, _GET), "object.get_authenticated"),
    _route("GET /object/info/public/{b}/{k}", _read(_PUBLIC, _INFO), "object.info_public", "none"),
    _route("GET /object/info/authenticated/{b}/{k}", _read(_OWN, _INFO), "object.info"),
    _route("GET /object/info/{b}/{k}", _read(_OWN, _INFO), "object.info"),
    _route(
        "GET|HEAD /render/image/public/{b}/{k}",
        _read(_PUBLIC, _RENDER),
        "render.image_public",
        "none",
    ),
    _route(
        "GET|HEAD /render/image/authenticated/{b}/{k}",
        _read(_OWN, _RENDER),
        "render.image_authenticated",
        "token",
    ),
    _route(
        "GET|HEAD /render/image/sign/{b}/{k}", _read(_SIGNED, _RENDER), "render.image_sign", "none"
    ),
    _route("POST /object/list/{b}", listing.first, "object.list"),
    _route("POST /object/list-v2/{b}", listing.second, "object.list_v2"),
    _route("POST /object/copy", writing.copy, "object.copy"),
    _route("POST /object/move", writing.move, "object.move"),
    _route("POST /object/upload/sign/{b}/{k}", signs.upload, "object.sign_upload_url"),
    _route(
        "PUT /object/upload/sign/{b}/{k}", writing.upload_signed, "object.upload_signed", "none"
    ),
    _route("GET|HEAD /object/{b}/{k}", _read(_OWN, _GET), "object.get_authenticated", "lenient"),
    _route("POST /object/{b}/{k}", writing.upload, "object.upload"),
    _route("PUT /object/{b}/{k}", writing.upload, "object.upload_update"),
    _route("DELETE /object/{b}/{k}", writing.remove, "object.delete"),
    _route("DELETE /object/{b}", writing.remove_many, "object.delete_many"),
    _route("GET /bucket/?", buckets.listed, "bucket.list"),
    _route("POST /bucket/?", buckets.create, "bucket.create"),
    _route("GET /bucket/{b}", buckets.got, "bucket.get"),
    _route("PUT /bucket/{b}", buckets.update, "bucket.update"),
    _route("POST /bucket/{b}/empty", buckets.empty, "bucket.empty"),
    _route("DELETE /bucket/{b}", buckets.delete, "bucket.delete"),
    _route("DELETE /cdn/{b}/{k}", buckets.purge, "object.purge"),
    _route("DELETE /cdn/{b}", buckets.purge, "bucket.purge"),
    _route("DELETE /cdn/?", buckets.purge, "tenant.purge"),
    _route("POST /upload/resumable/?", tus.create, "tus.upload.create"),
    _route("PATCH /upload/resumable/{k}", tus.patch, "tus.upload.part"),
    _route("HEAD /upload/resumable/{k}", tus.head, "tus.upload.get"),
    _route("DELETE /upload/resumable/{k}", tus.delete, "tus.upload.delete"),
    _route("OPTIONS /upload/resumable(?:/.*)?", tus.options, "tus.options", "none"),
)
# What decodeURI leaves alone, and the percent sign, lest a name be decoded twice.
_RESERVED = re.compile("%(?=2[3-6BCF]|3[ABDF]|40)", re.IGNORECASE)
_KNOWN = ("/object/", "/render/", "/bucket", "/cdn/", "/upload/")


async def answered(desk: Desk, ask: Ask) -> Answer:
    """The answer of the REST face, refusals included."""
    path = ask.path.removeprefix(PREFIX)
    spelled = _decoded(path)
    for route in ROUTES:
        if ask.method in route.methods and (matched := route.pattern.fullmatch(spelled)):
            break
    else:
        return _unknown(ask.method, path)
    groups = {name: unquote(text) for name, text in matched.groupdict().items()}
    try:
        caller = _caller(desk, ask, route.credentials)
        answer = route.handler(Call(desk, ask, route.operation, caller, **groups))
        return await answer if isawaitable(answer) else answer
    except Refusal as refusal:
        return refusal.answer()


def _decoded(path: str) -> str:
    """A path as the router matches it: what divides a URL, and `%`, stay encoded until then."""
    return unquote(_RESERVED.sub("%25", path))


def _caller(desk: Desk, ask: Ask, credentials: Credentials) -> Caller:
    if credentials == "none":
        return Caller()
    authorization = ask.fields.get("authorization", "")
    if credentials == "needed" and "authorization" not in ask.fields:
        raise invalid_request("headers must have required property 'authorization'")
    try:
        return desk.keys.caller(authorization)
    except BadToken as bad:
        if credentials == "lenient":
            return Caller()
        raise access_denied(str(bad)) from None


def _unknown(method: str, path: str) -> Answer:
    message = f"Route {method}:{path} not found"
    if not path.startswith(_KNOWN):
        return json_answer({"message": message, "error": "Not Found", "statusCode": 404}, 404)
    body = Refusal(404, "Not Found", message, "InvalidRequest").body
    return Answer(404, {"content-type": "application/json"}, dumped(body))
