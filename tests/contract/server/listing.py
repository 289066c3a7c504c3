"""Both ways to list a bucket; only rows that the caller may select."""

from __future__ import annotations

import base64
from typing import Any

from tests.contract.server import schemas
from tests.contract.server.answers import Answer, json_answer
from tests.contract.server.desk import Call
from tests.contract.server.objects import StoredObject

_NO_FACTS = dict.fromkeys(("id", "updated_at", "created_at", "last_accessed_at", "metadata"))


def _facts(found: StoredObject) -> dict[str, Any]:
    row = found.row()
    return {name: row[name] for name in _NO_FACTS}


def visible(call: Call, bucket: str, prefix: str = "") -> list[str]:
    """Names that begin so, in order, of the rows that the caller may select."""
    shelf = call.desk.shelf
    return [
        key
        for key in shelf.keys(bucket)
        if key.startswith(prefix) and call.may("select", bucket, key)
    ]


def split(names: list[str], prefix: str) -> tuple[list[str], list[str]]:
    """Folders below the prefix, without their slash, and names that are in none."""
    folders: dict[str, None] = {}
    files = []
    for name in names:
        head, slash, _ = name[len(prefix) :].partition("/")
        if slash:
            folders[prefix + head] = None
        else:
            files.append(name)
    return list(folders), files


def first(call: Call) -> Answer:
    """POST /object/list/BUCKET: folders, then objects; names are relative to the prefix."""
    body = schemas.required("body", call.ask.json(), ("prefix",))
    prefix = str(body["prefix"]).strip("/")
    base = f"{prefix}/" if prefix else ""
    limit = schemas.integer("body/limit", body.get("limit", 100), 1)
    offset = schemas.integer("body/offset", body.get("offset", 0), 0)
    names = visible(call, call.bucket, base + str(body.get("search", "")))
    folders, files = split(names, base)
    entries: list[dict[str, Any]] = [
        {"name": name[len(base) :], **_facts(call.desk.shelf.find(call.bucket, name))}
        for name in files
    ]
    order = {"column": "name", "order": "asc", **(body.get("sortBy") or {})}
    entries.sort(key=lambda entry: entry[order["column"]], reverse=order["order"] == "desc")
    whole = [{"name": name[len(base) :], **_NO_FACTS} for name in folders] + entries
    return json_answer(whole[offset : offset + limit])


def second(call: Call) -> Answer:
    """POST /object/list-v2/BUCKET: pages by a cursor; names are whole."""
    body = schemas.required("body", call.ask.json(), ())
    prefix = str(body.get("prefix", ""))
    limit = schemas.integer("body/limit", body.get("limit", 1000), 1)
    after = after_cursor(str(body.get("cursor", "")))
    names = [name for name in visible(call, call.bucket, prefix) if name > after]
    delimited = body.get("with_delimiter") is True
    folders, _ = split(names, prefix) if delimited else ([], [])
    whole = sorted([*(f"{name}/" for name in folders), *_outside(names, folders)])
    page = [name for name in whole if name > after][:limit]
    answer: dict[str, Any] = {"hasNext": len(whole) > limit}
    if answer["hasNext"]:
        answer |= {"nextCursor": cursor(page[-1]), "nextCursorKey": page[-1]}
    base = prefix[: prefix.rfind("/") + 1] if delimited else ""
    answer["folders"] = [
        {"key": name[len(base) : -1], "name": name} for name in page if name[-1] == "/"
    ]
    answer["objects"] = [
        {"key": name[len(base) :], "name": name, **_facts(call.desk.shelf.find(call.bucket, name))}
        for name in page
        if name[-1] != "/"
    ]
    return json_answer(answer)


def _outside(names: list[str], folders: list[str]) -> list[str]:
    inside = tuple(f"{name}/" for name in folders)
    return [name for name in names if not inside or not name.startswith(inside)]


def cursor(last: str) -> str:
    return base64.b64encode(f"l:{last}".encode()).decode()


def after_cursor(text: str) -> str:
    """The name that the page before ended with; a folder's whole content lies before it."""
    if not text:
        return ""
    last = base64.b64decode(text).decode().removeprefix("l:")
    return f"{last}\U0010ffff" if last.endswith("/") else last
