"""Description: the routes of `/v1`, `/admin` and `/hooks`, and what each takes and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.openapi.purges import CAREFULLY, LISTED, ONCE, WAITING, purge_answers
from gateway.api.openapi.shapes import TEXT, Json, answers

VERSION = "1.0.0"
_PROBLEM: Json = {
    "description": "A problem (RFC 9457); docs/problems.md has a section for each code.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_NAME: Json = {"name": "name", "in": "path", "required": True, "schema": TEXT}

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
    schemas: dict[str, Json] = {**found["$defs"], **answers(), **purge_answers()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ostiary",
            "version": VERSION,
            "description": "Issues signed links to private documents, and takes them back.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"operator": []}],
        "paths": _paths(bodies),
        "components": {
            "schemas": schemas,
            "securitySchemes": _SCHEMES,
        },
    }


def _paths(bodies: Mapping[str, type[BaseModel]]) -> dict[str, Json]:
    return {
        "/v1/links": _post("Issue links", bodies["/v1/links"], {"200": "Links"}),
        "/v1/documents/{zone}/{bucket}/{key}": {"get": _document()},
        "/v1/viewers": _post("Say who a viewer is", bodies["/v1/viewers"], {"200": "Claim"}),
        "/v1/viewers/claim": _claim(bodies["/v1/viewers/claim"], "its viewer", takes=False),
        "/v1/folders": _post("Issue links to folders", bodies["/v1/folders"], {"200": "Folders"}),
        "/v1/folders/claim": _claim(bodies["/v1/folders/claim"], "the folder", takes=True),
        "/admin/purge": _post(
            "Have shared caches forget", bodies["/admin/purge"], _FORGOTTEN, CAREFULLY
        ),
        "/admin/purges": {"get": _purges()},
        "/admin/purges/requeue": _post(
            "Try dead purges again", bodies["/admin/purges/requeue"], {"200": "Requeued"}
        ),
        "/admin/revoke": _post(
            "Take access back, then purge", bodies["/admin/revoke"], _PURGED, ONCE
        ),
        "/admin/reinstate": _post(
            "Let viewers have links again", bodies["/admin/reinstate"], _PURGED, WAITING
        ),
        "/admin/purges/{id}": {"get": _status("How far a purge is", "Purge")},
        "/admin/purges/{id}/receipt": {
            "get": _status("The sealed receipt of a revocation", "Receipt")
        },
        "/admin/redactions": {"get": _redactions()},
        "/admin/redactions/{name}": {"get": _redaction(), "put": _redact(bodies)},
        "/hooks/database": _hook("Take an event of a database webhook"),
        "/hooks/storage": _hook("Take an event of the storage server's webhook"),
        "/hooks/purge": _hook("Take a purge of the storage server's"),
    }


_PURGED: Mapping[str, str] = {"200": "Purge", "202": "Purge"}
_FORGOTTEN: Mapping[str, str] = {"200": "PurgeOrPlan", "202": "Purge"}


def _post(
    summary: str,
    body: type[BaseModel],
    answers: Mapping[str, str],
    parameters: Sequence[Json] = (),
) -> Json:
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
    if parameters:
        operation["parameters"] = [*parameters]
    return {"post": operation}


def _purges() -> Json:
    return {
        "summary": "The latest purges, and what each was about",
        "parameters": [*LISTED],
        "responses": {"200": _answer("Purges"), **_refusals()},
    }


def _status(summary: str, answer: str) -> Json:
    where: Json = {"name": "id", "in": "path", "required": True, "schema": TEXT}
    return {
        "summary": summary,
        "parameters": [where],
        "responses": {"200": _answer(answer), "404": _PROBLEM, **_refusals()},
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
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in ("zone", "bucket", "key")
    ]
    return {
        "summary": "What a document is",
        "parameters": parameters,
        "responses": {"200": _answer("Document"), "404": _PROBLEM, "451": _PROBLEM, **_refusals()},
    }


def _claim(model: type[BaseModel], what: str, *, takes: bool) -> Json:
    """For pages of the configured applications; no token is asked for, and a cookie is set.

    `what` the browser is to forget on DELETE is told by the body again, if it `takes` one.
    """
    kept: Json = {"description": "A cookie is set, or dropped."}
    schema: Json = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    body: Json = {"required": True, "content": {"application/json": schema}}
    answered: dict[str, Json] = {
        "204": kept,
        **dict.fromkeys(("403", "413", "422", "503"), _PROBLEM),
    }
    return {
        "post": {
            "summary": "Hand over a claim for a cookie",
            "security": [],
            "requestBody": body,
            "responses": answered,
        },
        "delete": {
            "summary": f"Have the browser forget {what}",
            "security": [],
            **({"requestBody": body} if takes else {}),
            "responses": {"204": kept, "403": _PROBLEM},
        },
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
    return dict.fromkeys(("401", "403", "413", "422", "429", "503"), _PROBLEM)
