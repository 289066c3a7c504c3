"""Signed URLs: one, many, and for uploads."""

from __future__ import annotations

from typing import Any

from tests.contract.server import schemas, transforms
from tests.contract.server.answers import Answer, Refusal, json_answer
from tests.contract.server.desk import Call

_REFUSED = "Either the object does not exist or you do not have access to it"
_UPLOAD_LIFE = 60


def one(call: Call) -> Answer:
    """POST /object/sign/BUCKET/KEY."""
    body = schemas.required("body", call.ask.json(), ("expiresIn",))
    life = schemas.expires_in(body)
    options = schemas.transformation("body/transform", body.get("transform", {}))
    call.see(call.bucket, call.key)
    claims, route = _claims(options), "render/image" if options else "object"
    return json_answer({"signedURL": _url(call, route, call.key, claims, life)})


def many(call: Call) -> Answer:
    """POST /object/sign/BUCKET; a refused path is told in its place, the status is always 200."""
    body = schemas.required("body", call.ask.json(), ("expiresIn", "paths"))
    life = schemas.expires_in(body)
    return json_answer([_one_of_many(call, path, life) for path in schemas.paths(body)])


def upload(call: Call) -> Answer:
    """POST /object/upload/sign/BUCKET/KEY."""
    upsert = call.ask.fields.get("x-upsert") == "true"
    call.need("insert", call.bucket, call.key)
    if upsert:
        call.need("update", call.bucket, call.key)
    path = f"{call.bucket}/{call.key}"
    claims = {"owner": call.caller.subject, "url": path, "upsert": upsert, "scope": "upload"}
    token = call.desk.keys.url_token(claims, _UPLOAD_LIFE)
    return json_answer({"url": f"/object/upload/sign/{path}?token={token}", "token": token})


def _one_of_many(call: Call, path: str, life: int) -> dict[str, Any]:
    try:
        call.see(call.bucket, path)
    except Refusal:
        return {"error": _REFUSED, "path": path, "signedURL": None}
    return {"error": None, "path": path, "signedURL": _url(call, "object", path, {}, life)}


def _claims(options: dict[str, Any]) -> dict[str, Any]:
    if not options:
        return {}
    claims = {"transformations": transforms.tokened(options)}
    return {**claims, "format": options["format"]} if "format" in options else claims


def _url(call: Call, route: str, key: str, claims: dict[str, Any], life: int) -> str:
    path = f"{call.bucket}/{key}"
    token = call.desk.keys.url_token({**claims, "url": path, "scope": "download"}, life)
    return f"/{route}/sign/{path}?token={token}"
