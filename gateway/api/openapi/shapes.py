"""Shapes: what the API answers, as JSON schemas by name."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
_PAGE_SIZE: Json = {
    "type": ["array", "null"],
    "items": {"type": "number", "exclusiveMinimum": 0},
    "minItems": 2,
    "maxItems": 2,
}
_MAYBE_COUNT: Json = {"type": ["integer", "null"], "minimum": 1}


def answers() -> dict[str, Json]:
    """The schema of every answer."""
    return {
        "Links": object_of({"links": {"type": "array", "items": either("Link", "NoLink")}}),
        "Folders": object_of({"folders": {"type": "array", "items": either("Folder", "NoFolder")}}),
        "Folder": _folder(),
        "NoFolder": object_of(
            {
                "folder": {"$ref": "#/components/schemas/WantedFolder"},
                "error": {"$ref": "#/components/schemas/Problem"},
            }
        ),
        "Link": _link(),
        "Document": _description(),
        "NoLink": object_of(
            {
                "document": {"$ref": "#/components/schemas/Wanted"},
                "error": {"$ref": "#/components/schemas/Problem"},
            }
        ),
        "Problem": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("type", "title", "detail", "code", "hint", "request_id"), TEXT),
                "status": {"type": "integer"},
            },
            "required": ["type", "title", "status", "code"],
        },
        "Receipt": object_of({"receipt": {"type": "object"}, "seal": TEXT}),
        "Claim": object_of({"claim": TEXT, "expires_at": COUNT}),
        "Redaction": object_of({**_VERSION, "boxes": {"type": "array", "items": _BOX}}),
        "Redactions": object_of({"redactions": {"type": "array", "items": object_of(_VERSION)}}),
        "Hints": object_of({"received": COUNT, "ignored": COUNT}),
        "Purge": object_of(
            {
                "id": TEXT,
                "state": {"enum": ["queued", "sent", "confirmed", "failed"]},
                "soft": {"type": "boolean"},
                "reason": TEXT,
                "asked_by": TEXT,
                "asked_at": COUNT,
                "providers": {"type": "array", "items": _provider()},
            }
        ),
    }


_VERSION: dict[str, Json] = {"name": TEXT, "version": COUNT, "put_by": TEXT, "put_at": COUNT}
_BOX: Json = {"$ref": "#/components/schemas/BoxCall"}


def _link() -> Json:
    return object_of(
        {
            "document": {"$ref": "#/components/schemas/Wanted"},
            "id": TEXT,
            "link": TEXT,
            "url": {"type": "string", "format": "uri"},
            "expires_at": COUNT,
            "renew_at": COUNT,
            "grant": TEXT,
            "version": {"type": ["string", "null"]},
            "renditions": {"type": "array", "items": TEXT},
            "template": TEXT,
            "srcset": TEXT,
            "picture": TEXT,
            "media_type": TEXT,
            "size": COUNT,
            "width": _MAYBE_COUNT,
            "height": _MAYBE_COUNT,
            "pages": _MAYBE_COUNT,
            "thumbhash": MAYBE_TEXT,
        }
    )


def _folder() -> Json:
    return object_of(
        {
            "folder": {"$ref": "#/components/schemas/WantedFolder"},
            **dict.fromkeys(("link", "template", "plain", "claim", "grant"), TEXT),
            **dict.fromkeys(("expires_at", "renew_at"), COUNT),
        }
    )


def _description() -> Json:
    return object_of(
        {
            "document": {"$ref": "#/components/schemas/Wanted"},
            **dict.fromkeys(("id", "version", "etag", "media_type"), TEXT),
            "size": COUNT,
            "modified_at": COUNT,
            **dict.fromkeys(("width", "height", "pages"), _MAYBE_COUNT),
            "page_sizes": {"type": "array", "items": _PAGE_SIZE, "maxItems": 1_000},
            "renditions": {"type": "array", "items": TEXT},
            "auto": _chosen(),
            **dict.fromkeys(("broken", "thumbhash"), MAYBE_TEXT),
        }
    )


def _chosen() -> Json:
    """Null where it is not known in time."""
    octets: Json = {"type": "object", "additionalProperties": COUNT}
    chosen = {"rendition": TEXT, "why": TEXT, "octets": octets}
    return {"oneOf": [object_of(chosen), {"type": "null"}]}


def _provider() -> Json:
    return object_of(
        {
            **dict.fromkeys(("provider", "state", "reference", "error"), TEXT),
            **dict.fromkeys(("tags", "sent", "confirmed"), COUNT),
        }
    )


def object_of(properties: dict[str, Json]) -> Json:
    """An object of which every property is there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def either(*names: str) -> Json:
    """One of the schemas of those names."""
    return {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
