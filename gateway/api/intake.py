"""Intake: what the API's routes read of a request: its body as a model, and where it came to."""

from __future__ import annotations

import json
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from gateway.errors import RequestRefused

LARGEST_BODY: Final = 4 << 20

Body = TypeVar("Body", bound=BaseModel)


def record(request: Request, route: str) -> None:
    """Name the route in the request's log line."""
    request.scope["record"].route = route


async def octets_of(request: Request, largest: int) -> bytes:
    """The request's body as it came, or a 413 when it has more than `largest` octets."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise RequestRefused(413, "body.too-large", f"The body is over {largest >> 20} MiB.")
    return bytes(body)


async def model_of(request: Request, model: type[Body]) -> Body:
    """The request's JSON as the model wants it, or a 413 or 422 that says what is wrong."""
    return _model(await octets_of(request, LARGEST_BODY), model)


async def order_of(request: Request, model: type[Body]) -> Body:
    """`model_of` for what can not be undone: one of two equal members would not be heard."""
    body = await octets_of(request, LARGEST_BODY)
    order = _model(body, model)
    json.loads(body, object_pairs_hook=_once)
    return order


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RequestRefused(422, "body.invalid", "body: a member stands twice")


def _model(body: bytes, model: type[Body]) -> Body:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestRefused(422, "body.invalid", faults_of(error)) from None


def flag_of(request: Request, name: str) -> bool:
    """A parameter of the query that is true or false; false where it is left out.

    Raises `RequestRefused` (422) for anything else: what was meant to be tried must not be done.
    """
    value = request.query_params.get(name, "false")
    if value not in ("true", "false"):
        raise RequestRefused(422, "query.invalid", f"{name} is true or false.")
    return value == "true"


def only(request: Request, *names: str) -> None:
    """Refuse a call (422) whose query has anything but these parameters, or one of them twice.

    For calls that can not be undone: nobody may think that `?dry-run=true` was heard.
    """
    asked = [name for name, _ in request.query_params.multi_items()]
    if not set(names).issuperset(asked) or len(asked) > len(set(asked)):
        taken = f"but {', '.join(names)}, and it once" if names else "at all"
        raise RequestRefused(422, "query.invalid", f"This call takes no parameter {taken}.")


def origin_of(request: Request) -> str:
    """Scheme and host that the caller used, for links of zones without a `public_url`."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def faults_of(error: ValidationError) -> str:
    """What a body breaks: where and what, never the values: those may name documents."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in faults]
    return "; ".join(told[:10])
