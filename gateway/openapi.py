"""OpenAPI: the description of `/v1`, `/admin` and `/hooks` (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

VERSION = "1.0.0"
_PROBLEM: Json = {
    "description": "A problem (RFC 9457); docs/problems.md has a section for each code.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_MAYBE_TEXT: Json = {"type": ["string", "null"]}
_PAGE_SIZE: Json = {
    "type": ["array", "null"],
    "items": {"type": "number", "exclusiveMinimum": 0},
    "minItems": 2,
    "maxItems": 2,
}
_MAYBE_COUNT: Json = {"type": ["integer", "null"], "minimum": 1}


_NAME: Json = {"name": "name", "in": "path", "required": True, "schema": _TEXT}

_SCHEMES: dict[str, Json] = {
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token whose SHA-256 the configuration lists under [admin].",
    },
    "hook": {
        "type": "http",
        "scheme": "bearer",
        "description": "webhook_secret of [supabase]; without it there are no hooks.",
    },
    "hook_field": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Ostiary-Secret",
        "description": "The same secret, for senders that have a field of their own.",
    },
}


def describe(bodies: Mapping[str, type[BaseModel]]) -> dict[str, Json]:
    """The whole description; `bodies` are the models of what is sent, by path."""
    _, found = models_json_schema(
        [(model, "validation") for model in bodies.values()],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Json] = {**found["$defs"], **_answers()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ostiary",
            "version": VERSION,
            "description": "Issues signed links to private documents, and takes them back.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"operator": []}],
        "paths": {
            "/v1/links": _post("Issue links", bodies["/v1/links"], {"200": "Links"}),
            "/v1/documents/{zone}/{bucket}/{key}": {"get": _document()},
            "/admin/purge": _post(
                "Have shared caches forget", bodies["/admin/purge"], _PURGED, waits=True
            ),
            "/admin/revoke": _post(
                "Take access back, then purge", bodies["/admin/revoke"], _PURGED, waits=True
            ),
            "/admin/reinstate": _post(
                "Let viewers have links again", bodies["/admin/reinstate"], _PURGED, waits=True
            ),
            "/admin/purges/{id}": {"get": _status()},
            "/admin/redactions": {"get": _redactions()},
            "/admin/redactions/{name}": {"get": _redaction(), "put": _redact(bodies)},
            "/hooks/database": _hook("Take an event of a database webhook"),
            "/hooks/storage": _hook("Take an event of the storage server's webhook"),
            "/hooks/purge": _hook("Take a purge of the storage server's"),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": _SCHEMES,
        },
    }


_PURGED: Mapping[str, str] = {"200": "Purge", "202": "Purge"}


def _post(
    summary: str, body: type[BaseModel], answers: Mapping[str, str], *, waits: bool = False
) -> Json:
    prefer: Json = {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "schema": _TEXT,
        "description": "`wait=5` answers when the CDNs have been told, or after 5 seconds.",
    }
    operation: dict[str, Json] = {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}
            },
        },
        "responses": {**{code: _answer(name) for code, name in answers.items()}, **_refusals()},
    }
    if waits:
        operation["parameters"] = [prefer]
    return {"post": operation}


def _status() -> Json:
    where: Json = {"name": "id", "in": "path", "required": True, "schema": _TEXT}
    return {
        "summary": "How far a purge is",
        "parameters": [where],
        "responses": {"200": _answer("Purge"), "404": _PROBLEM, **_refusals()},
    }


def _redactions() -> Json:
    return {
        "summary": "The newest version of every redaction",
        "responses": {"200": _answer("Redactions"), **_refusals()},
    }


def _redaction() -> Json:
    version: Json = {
        "name": "version",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1},
        "description": "The newest without it.",
    }
    return {
        "summary": "What a redaction hides",
        "parameters": [_NAME, version],
        "responses": {"200": _answer("Redaction"), "404": _PROBLEM, **_refusals()},
    }


def _redact(bodies: Mapping[str, type[BaseModel]]) -> Json:
    body = bodies["/admin/redactions/{name}"]
    answers = {"200": "Redaction", "201": "Redaction"}
    put = cast(dict[str, Json], _post("Add a version of a redaction", body, answers))["post"]
    return {**cast(dict[str, Json], put), "parameters": [_NAME]}


def _document() -> Json:
    """A key's slashes may stand as themselves, which OpenAPI has no word for."""
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in ("zone", "bucket", "key")
    ]
    return {
        "summary": "What a document is",
        "parameters": parameters,
        "responses": {"200": _answer("Document"), "404": _PROBLEM, "451": _PROBLEM, **_refusals()},
    }


def _hook(summary: str) -> Json:
    body: Json = {"type": "object", "description": "As Supabase sends it."}
    operation: Json = {
        "summary": summary,
        "security": [{"hook": []}, {"hook_field": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _answer("Hints"),
            **dict.fromkeys(("401", "404", "413", "422", "503"), _PROBLEM),
        },
    }
    return {"post": operation}


def _answer(name: str) -> Json:
    return {
        "description": name,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }


def _refusals() -> dict[str, Json]:
    return dict.fromkeys(("401", "403", "413", "422", "503"), _PROBLEM)


def _answers() -> dict[str, Json]:
    return {
        "Links": _object({"links": {"type": "array", "items": _either("Link", "NoLink")}}),
        "Link": _link(),
        "Document": _description(),
        "NoLink": _object(
            {
                "document": {"$ref": "#/components/schemas/Wanted"},
                "error": {"$ref": "#/components/schemas/Problem"},
            }
        ),
        "Problem": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("type", "title", "detail", "code", "hint", "request_id"), _TEXT),
                "status": {"type": "integer"},
            },
            "required": ["type", "title", "status", "code"],
        },
        "Redaction": _object({**_VERSION, "boxes": {"type": "array", "items": _BOX}}),
        "Redactions": _object({"redactions": {"type": "array", "items": _object(_VERSION)}}),
        "Hints": _object({"received": _COUNT, "ignored": _COUNT}),
        "Purge": _object(
            {
                "id": _TEXT,
                "state": {"enum": ["queued", "sent", "confirmed", "failed"]},
                "soft": {"type": "boolean"},
                "reason": _TEXT,
                "asked_by": _TEXT,
                "asked_at": _COUNT,
                "providers": {"type": "array", "items": _provider()},
            }
        ),
    }


_VERSION: dict[str, Json] = {"name": _TEXT, "version": _COUNT, "put_by": _TEXT, "put_at": _COUNT}
_BOX: Json = {"$ref": "#/components/schemas/BoxCall"}


def _link() -> Json:
    return _object(
        {
            "document": {"$ref": "#/components/schemas/Wanted"},
            "id": _TEXT,
            "link": _TEXT,
            "url": {"type": "string", "format": "uri"},
            "expires_at": _COUNT,
            "renew_at": _COUNT,
            "grant": _TEXT,
            "version": {"type": ["string", "null"]},
            "renditions": {"type": "array", "items": _TEXT},
            "template": _TEXT,
            "srcset": _TEXT,
            "picture": _TEXT,
            "media_type": _TEXT,
            "size": _COUNT,
            "width": _MAYBE_COUNT,
            "height": _MAYBE_COUNT,
            "pages": _MAYBE_COUNT,
            "thumbhash": _MAYBE_TEXT,
        }
    )


def _description() -> Json:
    return _object(
        {
            "document": {"$ref": "#/components/schemas/Wanted"},
            **dict.fromkeys(("id", "version", "etag", "media_type"), _TEXT),
            "size": _COUNT,
            "modified_at": _COUNT,
            **dict.fromkeys(("width", "height", "pages"), _MAYBE_COUNT),
            "page_sizes": {"type": "array", "items": _PAGE_SIZE, "maxItems": 1_000},
            "renditions": {"type": "array", "items": _TEXT},
            "auto": _chosen(),
            **dict.fromkeys(("broken", "thumbhash"), _MAYBE_TEXT),
        }
    )


def _chosen() -> Json:
    """Null where it is not known in time."""
    octets: Json = {"type": "object", "additionalProperties": _COUNT}
    chosen = {"rendition": _TEXT, "why": _TEXT, "octets": octets}
    return {"oneOf": [_object(chosen), {"type": "null"}]}


def _provider() -> Json:
    return _object(
        {
            **dict.fromkeys(("provider", "state", "reference", "error"), _TEXT),
            **dict.fromkeys(("tags", "sent", "confirmed"), _COUNT),
        }
    )


def _object(properties: dict[str, Json]) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _either(*names: str) -> Json:
    return {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
