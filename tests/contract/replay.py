"""The recorded exchanges: sending them again, to any server, and telling how the answers differ."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import jwt
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.contract.server import USER_A, USER_B, ContractServer
from tests.contract.server.desk import Backend
from tests.contract.server.objects import StoredObject, Write
from tests.contract.server.running import S3_ACCESS_KEY, S3_SECRET_KEY
from tests.contract.server.tokens import Keys

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded.json").read_text())
_NEVER_COMPARED = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ETAG = re.compile(r'"[0-9a-f]{32}"')
_TOKEN = re.compile(r"ey[\w-]+\.[\w-]+\.[\w-]+")
_CREATED = re.compile(r"\w{3} \w{3} \d\d \d{4} [\d:]{8} GMT\+0000 \(Coordinated Universal Time\)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded call and its answer; placeholders are explained in recorded.json."""

    label: str
    client: str
    backends: list[str]
    method: str
    path: str
    who: str
    status: int
    answer: dict[str, str]
    apikey: str = ""
    presigned: bool = False
    token: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    body: Any = None
    size: int = -1
    text: str = ""
    json: Any = None
    tokens: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sent:
    """A recorded call made again: what goes over the wire, and what the answer must refer to."""

    method: str
    target: str
    fields: dict[str, str]
    body: bytes | None
    object: StoredObject | None
    expires: int


def exchanges(backend: Backend) -> list[Exchange]:
    """All that were recorded with this way to keep bytes."""
    every = (Exchange(**facts) for facts in RECORDED["exchanges"])
    return [exchange for exchange in every if backend in exchange.backends]


def prepared(server: ContractServer, client: str) -> ContractServer:
    """Give the server the buckets and objects that were there when `client` was recorded."""
    for name, facts in RECORDED["buckets"].items():
        bucket = server.shelf.buckets[name]
        for column, value in facts.items():
            setattr(bucket, column, value)
    for facts in RECORDED["objects"]:
        if facts.get("only", client) == client:
            bucket_name, _, key = facts["name"].partition("/")
            write = Write(
                _octets(facts), facts["type"], facts["cache_control"], facts.get("metadata", {})
            )
            server.shelf.put(bucket_name, key, write)
    return server


def sent(exchange: Exchange, server: ContractServer, host: str, now: Callable[[], float]) -> Sent:
    """The call with credentials, tokens and tags of this server; `host` is what SigV4 signs."""
    found = _object(exchange, server)
    token, expires = _token(exchange.token, server)
    fields = {**exchange.fields, **_credentials(exchange, server, now)}
    if found is not None:
        marks = {"{etag}": found.etag, "{last-modified}": found.last_modified}
        marks["{now}"] = formatdate(int(now()), usegmt=True)
        for mark, value in marks.items():
            fields = {name: text.replace(mark, value) for name, text in fields.items()}
    target = exchange.path.replace("{token}", token)
    if exchange.who.startswith("s3_"):
        target, fields = _signed(exchange, server, host, fields)
    body = None if exchange.body is None else json.dumps(exchange.body).encode()
    return Sent(exchange.method, target, fields, body, found, expires)


def differences(exchange: Exchange, call: Sent, answer: httpx.Response) -> list[str]:
    """What the answer has otherwise than the record; nothing when it is as recorded."""
    told = []
    if answer.status_code != exchange.status:
        told.append(f"status {answer.status_code}, recorded {exchange.status}")
    expected = _filled(exchange, call)
    actual = {n: v for n, v in answer.headers.items() if n not in _NEVER_COMPARED}
    if "created-at" in actual:
        actual["created-at"] = _CREATED.sub("{date}", actual["created-at"])
    for name in sorted(expected.keys() | actual.keys()):
        if expected.get(name) != actual.get(name):
            told.append(f"{name}: {actual.get(name)!r}, recorded {expected.get(name)!r}")
    return told + _body_differences(exchange, answer)


def _body_differences(exchange: Exchange, answer: httpx.Response) -> list[str]:
    if exchange.json is not None:
        hidden, tokens = _hidden(answer.json())
        return [
            f"{what} {got}, recorded {recorded}"
            for what, got, recorded in (
                ("body", hidden, exchange.json),
                ("tokens", tokens, exchange.tokens),
            )
            if got != recorded
        ]
    if exchange.text:
        text = _ETAG.sub("{etag}", _DATE.sub("{date}", answer.text))
        return [f"body {text!r}, recorded {exchange.text!r}"] if text != exchange.text else []
    size = max(exchange.size, 0)
    return [f"{len(answer.content)} octets, recorded {size}"] if len(answer.content) != size else []


def _filled(exchange: Exchange, call: Sent) -> dict[str, str]:
    marks = {"{expires}": formatdate(call.expires, usegmt=True)}
    if call.object is not None:
        marks |= {"{etag}": call.object.etag, "{last-modified}": call.object.last_modified}
    return {name: marks.get(value, value) for name, value in exchange.answer.items()}


def _hidden(value: Any, name: str = "") -> tuple[Any, list[dict[str, Any]]]:
    """JSON with placeholders, and the claims of the tokens in it."""
    if isinstance(value, dict):
        pairs = {key: _hidden(inner, key) for key, inner in value.items()}
        return {k: v for k, (v, _) in pairs.items()}, [t for _, ts in pairs.values() for t in ts]
    if isinstance(value, list):
        items = [_hidden(inner, name) for inner in value]
        return [v for v, _ in items], [t for _, ts in items for t in ts]
    if not isinstance(value, str):
        return value, []
    if name in {"id", "version"} and _UUID.fullmatch(value):
        return f"{{{name}}}", []
    if name.lower() == "etag":
        return _ETAG.sub("{etag}", value), []
    tokens = [_claims(token) for token in _TOKEN.findall(value)]
    return _TOKEN.sub("{token}", _DATE.sub("{date}", value)), tokens


def _claims(token: str) -> dict[str, Any]:
    claims = jwt.decode(token, options={"verify_signature": False})
    life = claims.pop("exp") - claims.pop("iat")
    return {"claims": claims, "life": life}


def _octets(facts: Mapping[str, Any]) -> bytes:
    """Bytes of the recorded size; text where the record shows it."""
    if "text" in facts:
        return str(facts["text"]).encode()
    magic = {"application/pdf": b"%PDF-1.4\n", "image/png": b"\x89PNG\r\n\x1a\n"}[facts["type"]]
    rest = facts["size"] - len(magic)
    return magic + (bytes(range(251)) * (rest // 251 + 1))[:rest]


def _object(exchange: Exchange, server: ContractServer) -> StoredObject | None:
    """The object that the path speaks of, if it is there."""
    path = httpx.URL("http://h" + exchange.path.partition("?")[0]).path
    for facts in RECORDED["objects"]:
        bucket, _, key = facts["name"].partition("/")
        if path.endswith(f"/{facts['name']}") and server.shelf.has(bucket, key):
            return server.shelf.find(bucket, key)
    return None


def _token(facts: Mapping[str, Any], server: ContractServer) -> tuple[str, int]:
    if not facts:
        return "", 0
    if "user" in facts:
        return server.user_a, 0
    life = -1 if facts.get("state") == "expired" else facts["life"]
    token = server.keys.url_token(facts["claims"], life)
    if facts.get("state") == "tampered":
        head, _, signature = token.rpartition(".")
        token = f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    return token, int(jwt.decode(token, options={"verify_signature": False})["exp"])


def _credentials(
    exchange: Exchange, server: ContractServer, now: Callable[[], float]
) -> dict[str, str]:
    fields = {"apikey": server.anon} if exchange.apikey else {}
    if exchange.who == "nobody" or exchange.who.startswith("s3_"):
        return fields
    foreign = Keys("a secret of some other project, which has nothing to do with it.")
    whole: dict[str, Callable[[], str]] = {
        "user_a": lambda: server.user_a,
        "user_b": lambda: server.user_b,
        "anon": lambda: server.anon,
        "service": lambda: server.service,
        "user_a_es256": lambda: server.token(USER_A, kid=server.kid),
        "user_a_expired": lambda: server.token(USER_A, {"exp": int(now()) - 10}),
        "user_a_wrongsecret": lambda: foreign.user_token({"sub": USER_A, "role": "authenticated"}),
        "garbage": lambda: "x.y.z",
    }
    return {**fields, "authorization": f"Bearer {whole[exchange.who]()}"}


def _signed(
    exchange: Exchange, server: ContractServer, host: str, fields: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """Target and fields of a call of the S3 face."""
    session = {"s3_user_a": USER_A, "s3_user_b": USER_B}.get(exchange.who)
    if session is not None:
        credentials = Credentials("stub", server.anon, server.token(session))
    else:
        secret = "wrong" if exchange.who == "s3_bad_secret" else S3_SECRET_KEY
        credentials = Credentials(S3_ACCESS_KEY, secret)
    request = AWSRequest(exchange.method, f"http://{host}{exchange.path}", headers=dict(fields))
    kind = S3SigV4QueryAuth if exchange.presigned else S3SigV4Auth
    kind(credentials, "s3", "us-east-1").add_auth(request)
    target = request.url.removeprefix(f"http://{host}")
    return target, {name.lower(): value for name, value in request.headers.items()}


def moment() -> float:
    """A time within a second, as the recording's were."""
    return datetime(2026, 11, 22, 21, 36, 40, 404_000, tzinfo=UTC).timestamp()
