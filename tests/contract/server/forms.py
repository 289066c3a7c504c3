"""What an upload carries: a raw body with fields, or a multipart form."""

from __future__ import annotations

import base64
import json
from typing import Any

from python_multipart import create_form_parser

from tests.contract.server.answers import invalid_request
from tests.contract.server.asks import Ask
from tests.contract.server.objects import Write


def uploaded(ask: Ask, owner: str) -> Write:
    """The object that a request of either kind brings."""
    media_type = ask.fields.get("content-type", "application/octet-stream")
    if media_type.startswith("multipart/form-data"):
        return _form(ask, owner)
    metadata = base64.b64decode(ask.fields.get("x-metadata", ""))
    cache_control = ask.fields.get("cache-control", "no-cache")
    return Write(ask.body, media_type, cache_control, _metadata(metadata), owner)


def _form(ask: Ask, owner: str) -> Write:
    """Clients name the part with the bytes as they like; `cacheControl` is in seconds."""
    texts: dict[str, bytes] = {}
    files: list[tuple[bytes, str]] = []

    def on_field(field: Any) -> None:
        texts[field.field_name.decode()] = field.value or b""

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        files.append((file.file_object.read(), file.content_type or "application/octet-stream"))

    fields = {"Content-Type": ask.fields["content-type"].encode()}
    parser = create_form_parser(fields, on_field, on_file, config={"MAX_MEMORY_FILE_SIZE": 1 << 30})
    parser.write(ask.body)
    parser.finalize()
    if not files:
        raise invalid_request("body must have a file")
    body, media_type = files[0]
    seconds = texts.get("cacheControl", b"").decode()
    cache_control = f"max-age={seconds}" if seconds else "no-cache"
    return Write(body, media_type, cache_control, _metadata(texts.get("metadata", b"")), owner)


def _metadata(text: bytes) -> dict[str, Any]:
    return json.loads(text) if text else {}
