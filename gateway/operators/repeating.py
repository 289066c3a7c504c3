"""Repeating: the key by which a client says that two calls are one.

draft-ietf-httpapi-idempotency-key-header: a string of RFC 8941, as `Idempotency-Key: "8e03978e"`.
"""

from __future__ import annotations

import re
from hashlib import sha256

from pydantic import BaseModel
from starlette.requests import Request

from gateway.errors import RequestRefused
from gateway.state.repeats import ANEW, Once

FIELD = "idempotency-key"
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"', re.ASCII)
# Many clients leave the quotes out.
_BARE = re.compile(r"[!#-+\--:<-~]{1,255}", re.ASCII)


def once_of(request: Request, call: BaseModel) -> Once:
    """What makes the call one with another of the same key; `ANEW` without one.

    Raises `RequestRefused` (400) for a key that is none.
    """
    shown = request.headers.getlist(FIELD)
    if not shown:
        return ANEW
    quoted, bare = _QUOTED.fullmatch(shown[0]), _BARE.fullmatch(shown[0])
    if len(shown) > 1 or not (quoted or bare):
        raise RequestRefused(
            400, "idempotency.bad-key", "Idempotency-Key is one string of 1 to 255 characters."
        )
    key = quoted[1] if quoted else shown[0]
    body = f"{type(call).__name__}\n{call.model_dump_json()}"
    return Once(sha256(key.encode()).digest(), sha256(body.encode()).digest())
