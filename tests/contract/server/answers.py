"""What the stand-in says: answers, and refusals in the real server's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, fields in lower case and a body; `length` stands for a body that is not sent."""

    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int = -1


def dumped(value: object) -> bytes:
    """JSON as JavaScript writes it."""
    # Half a surrogate pair is escaped, as JSON.stringify has it.
    return _ENCODER.encode(value).encode(errors="backslashreplace")


def json_answer(
    value: object, status: int = 200, fields: Mapping[str, str] | None = None
) -> Answer:
    return Answer(status, {"content-type": JSON, **(fields or {})}, dumped(value))


class Refusal(Exception):
    """An error of the storage server; `status` goes on the wire, `true_status` into the body."""

    def __init__(
        self, true_status: int, error: str, message: str, code: str, status: int = 400
    ) -> None:
        super().__init__(message)
        self.true_status, self.error, self.message = true_status, error, message
        self.code, self.status = code, status

    @property
    def body(self) -> dict[str, Any]:
        return {
            "statusCode": str(self.true_status),
            "error": self.error,
            "message": self.message,
            "code": self.code,
        }

    def answer(self) -> Answer:
        return json_answer(self.body, self.status)


def no_such_key() -> Refusal:
    return Refusal(404, "not_found", "Object not found", "NoSuchKey")


def no_such_bucket() -> Refusal:
    return Refusal(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def access_denied(message: str, status: int = 400) -> Refusal:
    return Refusal(403, "Unauthorized", message, "AccessDenied", status)


def row_denied() -> Refusal:
    return access_denied("new row violates row-level security policy")


def invalid_request(message: str) -> Refusal:
    return Refusal(400, "Error", message, "InvalidRequest")


def duplicate(code: str) -> Refusal:
    return Refusal(409, "Duplicate", "The resource already exists", code)


def invalid_range() -> Refusal:
    return Refusal(416, "invalid_range", "invalid range provided", "InvalidRange", 416)


def internal() -> Refusal:
    return Refusal(500, "Internal", "Internal Server Error", "InternalError", 500)
