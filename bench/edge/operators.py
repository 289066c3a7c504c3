"""What an operator, or a hook, tells a gateway."""

from __future__ import annotations

import json

from bench.documents import BUCKET
from bench.edge.visitors import Visitor
from bench.load import LoadFailed
from bench.ostiary import TOKEN, ZONE


def tell(visitor: Visitor, path: str, told: object, bearer: str = TOKEN) -> None:
    """Make a call; in force on return. Raises `LoadFailed` when it is refused."""
    fields = f"Authorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
    reply = visitor.get(path, "POST", fields, json.dumps(told).encode())
    if reply.status not in (200, 202):
        raise LoadFailed(f"POST {path}: {reply.status} {reply.body!r}")


def documents(*keys: str) -> dict[str, object]:
    """Documents of the bench, as the operators' routes name them."""
    return {"documents": [{"zone": ZONE, "bucket": BUCKET, "key": key} for key in keys]}
