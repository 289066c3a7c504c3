"""Purges: what is described of lists, plans and keys of purges."""

from __future__ import annotations

from gateway.api.openapi.shapes import COUNT, MAYBE_TEXT, TEXT, Json, either, object_of

TEXTS: Json = {"type": "array", "items": TEXT}
FLAG: Json = {"type": "boolean"}

WAITING: list[Json] = [
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "schema": TEXT,
        "description": "`wait=5` answers when the CDNs have been told, or after 5 seconds.",
    }
]
"""Parameters of every call that makes a purge."""

ONCE: list[Json] = [
    *WAITING,
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "maxLength": 512},
        "description": "Calls with one key and one body are one purge, for a day.",
    },
]
"""Parameters of a call that may be made again without being done again."""

CAREFULLY: list[Json] = [
    *ONCE,
    {
        "name": "dry_run",
        "in": "query",
        "required": False,
        "schema": FLAG,
        "description": "Tell what would be purged, and do nothing.",
    },
]
"""Parameters of a call that asks for a purge."""

_FAILED: Json = {"enum": ["failed"]}
LISTED: list[Json] = [
    {"name": "state", "in": "query", "required": False, "schema": _FAILED},
    {"name": "before", "in": "query", "required": False, "schema": TEXT},
]
"""Parameters of the list."""


def purge_answers() -> dict[str, Json]:
    """The schemas of what is answered beside a single purge."""
    listed: Json = {
        "allOf": [
            {"$ref": "#/components/schemas/Purge"},
            object_of({"asked": object_of({"scopes": TEXTS, "tags": TEXTS})}),
        ]
    }
    step = {"provider": TEXT, "soft": FLAG, "tags": TEXTS, "calls": COUNT}
    steps = object_of({**step, "copies": {"type": ["integer", "null"], "minimum": 0}})
    plan: dict[str, Json] = {
        "dry_run": {"const": True},
        "soft": FLAG,
        "providers": {"type": "array", "items": steps},
    }
    return {
        "Purges": object_of({"purges": {"type": "array", "items": listed}, "before": MAYBE_TEXT}),
        "Requeued": object_of({"requeued": COUNT}),
        "PurgePlan": object_of(plan),
        "PurgeOrPlan": either("Purge", "PurgePlan"),
    }
