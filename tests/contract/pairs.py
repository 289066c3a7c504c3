"""A gateway in this process before a stand-in: what its callers ask, and what both sides saw."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx

from tests.contract.server import USER_A, ContractServer
from tests.contract.server.asks import Ask
from tests.contract.server.policies import own_folder

BASE = "/storage/v1"
REPORT, SCAN = f"{USER_A}/report.pdf", f"{USER_A}/scan.png"


def emptied(upstream: ContractServer) -> ContractServer:
    """A stand-in as if just started: two empty buckets, its own policy, nothing asked or wrong."""
    upstream.policy = own_folder
    upstream.faults.clear()
    upstream.think(0)
    for name in list(upstream.shelf.buckets):
        upstream.shelf.drop_bucket(name)
    upstream.shelf.add_bucket("pub", public=True)
    upstream.shelf.add_bucket("documents")
    upstream.requests.clear()
    return upstream


class Pair:
    """`door` is the gateway; both buckets of `upstream` are in its one zone."""

    def __init__(self, door: Any, upstream: ContractServer) -> None:
        self.door = door
        self.upstream = upstream

    def ask(self, method: str, path: str, token: str = "", **options: Any) -> httpx.Response:
        """Ask a storage route as the holder of `token`; nobody, without credentials, for ""."""
        fields = self.upstream.fields(token) if token else {}
        headers = {**fields, **options.pop("headers", {})}
        answer = self.door.ask(method, f"{BASE}{path}", headers=headers, **options)
        assert isinstance(answer, httpx.Response)
        return answer

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, token, headers=fields)

    def sign(self, key: str, token: str, bucket: str = "documents", **body: Any) -> httpx.Response:
        path = f"/object/sign/{bucket}/{quote(key)}"
        return self.ask("POST", path, token, json={"expiresIn": 600, **body})

    def url(self, key: str, token: str, bucket: str = "documents", **body: Any) -> str:
        """The path and query of a signed URL, below the storage routes."""
        answer = self.sign(key, token, bucket, **body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["signedURL"])

    def sign_many(
        self, keys: Sequence[str], token: str, bucket: str = "documents", **body: Any
    ) -> httpx.Response:
        asked = {"expiresIn": 600, "paths": list(keys), **body}
        return self.ask("POST", f"/object/sign/{bucket}", token, json=asked)

    def links(
        self, keys: Sequence[str], token: str, bucket: str = "documents", **body: Any
    ) -> httpx.Response:
        asked = {"documents": [{"bucket": bucket, "key": key} for key in keys], **body}
        fields = self.upstream.fields(token) if token else {}
        answer = self.door.ask("POST", "/v1/links", headers=fields, json=asked)
        assert isinstance(answer, httpx.Response)
        return answer

    def asked(self, method: str = "", part: str = "") -> list[Ask]:
        """What the stand-in was asked, oldest first."""
        return [
            ask
            for ask in list(self.upstream.requests)
            if method in ("", ask.method) and part in ask.path
        ]

    def rows(self) -> list[sqlite3.Row]:
        """The ledger, oldest first."""
        with closing(sqlite3.connect(self.door.parts.database.path)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute("SELECT * FROM issue ORDER BY id").fetchall()

    def fill_disk(self) -> None:
        """Let no row be written into the ledger from now on."""
        pragma = "PRAGMA query_only = ON"
        self.door.parts.database.write_now(lambda connection: connection.execute(pragma))
