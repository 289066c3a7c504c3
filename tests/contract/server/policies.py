"""Row-level security: who may do what with which row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

USER_A = "aaaaaaaa-0000-4000-8000-000000000001"
USER_B = "bbbbbbbb-0000-4000-8000-000000000002"

Action = Literal["select", "insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Question:
    """All that a policy in the database can read when it judges one row of storage.objects.

    `operation` is what `storage.operation()` would say, such as `storage.object.sign_many`;
    `claims` and `fields` are `request.jwt.claims` and `request.headers`, names in lower case.
    """

    action: Action
    operation: str
    role: str
    subject: str
    claims: Mapping[str, Any]
    fields: Mapping[str, str]
    method: str
    path: str
    bucket: str
    key: str


Policy = Callable[[Question], bool]


def own_folder(question: Question) -> bool:
    """Users have the folder of their name in `documents` and read `shared`; all read `pub`."""
    if question.bucket == "pub":
        return question.action == "select"
    if question.role != "authenticated" or question.bucket != "documents":
        return False
    folder = question.key.partition("/")[0]
    return folder == question.subject or (folder == "shared" and question.action == "select")
