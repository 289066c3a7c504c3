"""What the server tells others: its webhook, the database's webhook and the purge hook.

Everything told is kept in `told`; it is sent as well when an address was set.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import httpx

from tests.contract.server.objects import Bucket, StoredObject, timestamp

TENANT = {"ref": "stub", "host": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where one kind of event goes, with the fields that prove the sender."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One event: `kind` is storage, database or purge."""

    kind: str
    body: dict[str, Any]


class Events:
    """Events in the order in which they happened; the sending is done on a thread of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests = 0
        self._sender: ThreadPoolExecutor | None = None
        self._sending: list[Future[int]] = []
        self.told: deque[Told] = deque(maxlen=10_000)
        self.statuses: deque[int] = deque(maxlen=10_000)
        self.addresses: dict[str, Address] = {}

    def send_storage(self, url: str, key: str = "hook-key") -> None:
        """Post the server's own webhook to `url` with a bearer key."""
        self.addresses["storage"] = Address(url, {"authorization": f"Bearer {key}"})

    def send_database(self, url: str, secret: str, name: str = "X-Ostiary-Secret") -> None:
        """Post the database's webhook to `url` with a field of a shared secret."""
        self.addresses["database"] = Address(url, {name: secret})

    def send_purge(self, url: str, key: str = "cdn-key") -> None:
        """Post the purge hook to `url`/purge with a bearer key."""
        fields = {"authorization": f"Bearer {key}"}
        self.addresses["purge"] = Address(f"{url.rstrip('/')}/purge", fields)

    def drain(self, timeout: float = 10) -> None:
        """Wait until everything told so far is sent; then raise what went wrong."""
        sending, self._sending = self._sending, []
        wait(sending, timeout)
        for sent in sending:
            sent.result(0)

    def close(self) -> None:
        if self._sender is not None:
            self._sender.shutdown(cancel_futures=True)

    def request_id(self) -> str:
        self._requests += 1
        return f"req-{self._requests}"

    def object_event(
        self, kind: str, found: StoredObject, old: StoredObject | None = None, upload: str = ""
    ) -> None:
        """The server's webhook, such as `ObjectCreated:Post`."""
        request = self.request_id()
        payload: dict[str, Any] = {
            "name": found.key,
            "reqId": request,
            "tenant": TENANT,
            "version": found.version,
            "bucketId": found.bucket,
            "metadata": found.metadata,
        }
        if old is not None:
            payload["oldObject"] = {
                "name": old.key,
                "reqId": request,
                "version": old.version,
                "bucketId": old.bucket,
            }
        if upload:
            payload["uploadType"] = upload
        now = self._clock()
        event = {
            "type": kind,
            "region": "local",
            "payload": payload,
            "$version": "v1",
            "applyTime": int(now * 1000),
        }
        whole = {"type": "Webhook", "event": event, "sentAt": timestamp(now), "tenant": TENANT}
        self._tell(Told("storage", whole))

    def row_event(self, new: StoredObject | None, old: StoredObject | None) -> None:
        """The database's webhook for a row of storage.objects."""
        self._row("objects", new and _columns(new), old and _columns(old))

    def bucket_event(self, new: Bucket | None, old: dict[str, Any] | None) -> None:
        """The database's webhook for a row of storage.buckets."""
        self._row("buckets", new and new.row(), old)

    def purge(self, kind: str, bucket: str = "", key: str = "") -> Future[int] | None:
        """The purge hook: object, bucket, tenant, or one of them with `-transforms`."""
        body: dict[str, Any] = {"type": kind, "tenant": {"ref": TENANT["ref"]}}
        if bucket:
            body["bucketId"] = bucket
        if key:
            body["objectName"] = key
        return self._tell(Told("purge", body))

    def _row(self, table: str, new: dict[str, Any] | None, old: dict[str, Any] | None) -> None:
        kind = "DELETE" if new is None else "INSERT" if old is None else "UPDATE"
        body = {"type": kind, "table": table, "schema": "storage", "record": new, "old_record": old}
        self._tell(Told("database", body))

    def _tell(self, event: Told) -> Future[int] | None:
        self.told.append(event)
        address = self.addresses.get(event.kind)
        if address is None:
            return None
        if self._sender is None:
            self._sender = ThreadPoolExecutor(1, "contract-events")
        sending = self._sender.submit(self._post, address, event.body)
        self._sending.append(sending)
        return sending

    def _post(self, address: Address, body: dict[str, Any]) -> int:
        answer = httpx.post(address.url, json=body, headers=dict(address.fields), timeout=10)
        self.statuses.append(answer.status_code)
        return answer.status_code


def _columns(found: StoredObject) -> dict[str, Any]:
    """The whole row, as a trigger sees it."""
    return {**found.row(), "path_tokens": found.key.split("/")}
