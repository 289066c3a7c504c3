"""`/_contract/…`: how tests of another process steer the stand-in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.contract.server.answers import Answer, Refusal, json_answer
from tests.contract.server.asks import Ask
from tests.contract.server.objects import Write

if TYPE_CHECKING:
    from tests.contract.server.app import Contract


def answered(contract: Contract, ask: Ask) -> Answer:
    """One order. What the stand-in keeps is changed without telling anybody of it."""
    name, _, rest = ask.path.removeprefix("/_contract/").partition("/")
    order = _ORDERS.get(f"{ask.method} {name}")
    if order is None:
        return json_answer({"message": "no such order"}, 404)
    try:
        return json_answer(order(contract, ask, unquote(rest)))
    except Refusal as refusal:
        return refusal.answer()


def told_request(ask: Ask) -> dict[str, Any]:
    """A request as JSON; `body` is text with what is no UTF-8 replaced, `octets` is base64."""
    return {
        "method": ask.method,
        "path": ask.target,
        "fields": ask.fields,
        "body": ask.body.decode(errors="replace"),
        "octets": base64.b64encode(ask.body).decode(),
    }


def _requests(contract: Contract, _: Ask, __: str) -> Any:
    return [told_request(asked) for asked in contract.requests]


def _forget_requests(contract: Contract, _: Ask, __: str) -> Any:
    contract.requests.clear()


def _fault(contract: Contract, ask: Ask, _: str) -> Any:
    contract.faults.add(**ask.json())


def _no_faults(contract: Contract, _: Ask, __: str) -> Any:
    contract.faults.clear()


def _think(contract: Contract, ask: Ask, _: str) -> Any:
    contract.think = float(ask.json()["milliseconds"]) / 1000


def _recording(contract: Contract, ask: Ask, _: str) -> Any:
    contract.recording = bool(ask.json()["on"])


def _bucket(contract: Contract, ask: Ask, name: str) -> Any:
    shelf = contract.desk.shelf
    bucket = shelf.buckets.get(name) or shelf.add_bucket(name)
    bucket.public = bool(ask.json().get("public", bucket.public))
    return bucket.row()


def _put(contract: Contract, ask: Ask, name: str) -> Any:
    bucket, _, key = name.partition("/")
    media_type = ask.fields.get("content-type", "application/octet-stream")
    write = Write(ask.body, media_type, ask.fields.get("cache-control", "no-cache"))
    return contract.desk.shelf.put(bucket, key, write).row()


def _drop(contract: Contract, _: Ask, name: str) -> Any:
    bucket, _, key = name.partition("/")
    return contract.desk.shelf.drop(bucket, key).row()


def _events(contract: Contract, _: Ask, __: str) -> Any:
    return [{"kind": told.kind, "body": told.body} for told in contract.desk.events.told]


def _send_events(contract: Contract, ask: Ask, _: str) -> Any:
    wanted, events = ask.json(), contract.desk.events
    if "storage" in wanted:
        events.send_storage(**wanted["storage"])
    if "database" in wanted:
        events.send_database(**wanted["database"])
    if "purge" in wanted:
        events.send_purge(**wanted["purge"])


_ORDERS = {
    "GET requests": _requests,
    "DELETE requests": _forget_requests,
    "POST faults": _fault,
    "DELETE faults": _no_faults,
    "POST think": _think,
    "POST recording": _recording,
    "POST buckets": _bucket,
    "PUT objects": _put,
    "DELETE objects": _drop,
    "GET events": _events,
    "POST events": _send_events,
}
