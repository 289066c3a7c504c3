"""All that the routes work with, and one call of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.contract.server.answers import no_such_key, row_denied
from tests.contract.server.asks import Ask
from tests.contract.server.events import Events
from tests.contract.server.objects import Shelf, StoredObject
from tests.contract.server.policies import Action, Policy, Question, own_folder
from tests.contract.server.tokens import Caller, Keys

PREFIX = "/storage/v1"
SERVICE = "service_role"
Backend = Literal["file", "s3"]


@dataclass(slots=True)
class Desk:
    """The state of one server; `backend` says whose quirks it shows, a folder's or S3's."""

    keys: Keys
    shelf: Shelf
    events: Events
    policy: Policy = own_folder
    backend: Backend = "file"
    clock: Callable[[], float] = time.time
    reference: str = "stub"
    s3_secrets: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its route; `key` and `bucket` are decoded."""

    desk: Desk
    ask: Ask
    operation: str
    caller: Caller = field(default_factory=Caller)
    bucket: str = ""
    key: str = ""

    @property
    def privileged(self) -> bool:
        return self.caller.role == SERVICE

    def may(self, action: Action, bucket: str, key: str) -> bool:
        """What row-level security says; the service role is not asked."""
        if self.privileged:
            return True
        question = Question(
            action,
            self.operation,
            self.caller.role,
            self.caller.subject,
            self.caller.claims,
            self.ask.fields,
            self.ask.method,
            self.ask.path.removeprefix(PREFIX),
            bucket,
            key,
        )
        return self.desk.policy(question)

    def need(self, action: Action, bucket: str, key: str) -> None:
        """Refuse a write that row-level security does not allow."""
        if not self.may(action, bucket, key):
            raise row_denied()

    def see(self, bucket: str, key: str) -> StoredObject:
        """The object if this caller may select its row; denied and missing look alike."""
        found = self.desk.shelf.find(bucket, key)
        if not self.may("select", bucket, key):
            raise no_such_key()
        return found
