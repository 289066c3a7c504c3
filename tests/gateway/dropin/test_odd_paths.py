"""However a path is spelled, nobody reads by it what is another's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.pairs import Pair
from tests.contract.server import USER_A, USER_B

SECRET = b"<what only one of the two may read>"
ROUTES = (
    *("object", "object/authenticated", "object/public", "object/sign", "object/info"),
    *("render/image/authenticated", "render/image/public", "render/image/sign"),
    *("object//authenticated", "object/./authenticated", "object/%61uthenticated", "Object"),
)
BETWEEN = ("/", "//", "/./", "/../", "%2F", "%2f", "%252F", "\\", "%5C", "/%2e%2e/", ";/", "/%00/")
NAMES = (
    *("documents", "pub", USER_A, USER_B, "secret.txt", "mine.txt", "shared", "%64ocuments"),
    *("documents%2F" + USER_A, "..", "%2e%2e", "", "~", "secret.txt%20", "secret.txt%00", "*"),
)
PATHS = st.lists(st.tuples(st.sampled_from(BETWEEN), st.sampled_from(NAMES)), max_size=7)


@pytest.fixture
def filled(pair: Pair) -> Pair:
    pair.upstream.put("documents", f"{USER_A}/secret.txt", SECRET, "text/plain")
    pair.upstream.put("documents", f"{USER_B}/mine.txt", b"mine", "text/plain")
    pair.upstream.put("pub", "shared/mine.txt", b"public", "text/plain")
    return pair


@dataclass
class Answer:
    status: int = 0
    fields: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


def asked(pair: Pair, method: str, target: str, fields: dict[str, str]) -> Answer:
    """What the gateway answers to a target as it stands: clients tidy what they send."""
    body = b'{"expiresIn":60}' if method == "POST" else b""
    fields = {**fields, "content-length": str(len(body))} if body else fields
    path, _, query = target.encode("latin-1").partition(b"?")
    scope = {
        "type": "http",
        "method": method,
        "raw_path": path,
        "path": unquote(path.decode("latin-1")),
        "query_string": query,
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    answer = Answer()

    async def receive() -> dict[str, Any]:
        if answer.status:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.fields = message["status"], dict(message["headers"])
        answer.body += message.get("body", b"")

    pair.door.run(pair.door.apps.main(scope, receive, send))
    return answer


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    st.sampled_from(("GET", "GET", "HEAD", "POST")),
    st.sampled_from(ROUTES),
    PATHS,
    st.sampled_from(
        ("", "?download=", "?token={token}", "?token={token}&width=9", "?%74oken={token}")
    ),
    st.booleans(),
)
@example("GET", "object/public", [("/", "pub"), ("/../", "documents"), ("/", USER_A)], "", True)
@example(
    "GET",
    "object/sign",
    [("/", "documents"), ("/", USER_A), ("/", "secret.txt")],
    "?token={token}",
    False,
)
@example("GET", "object", [("/", "documents"), ("/", USER_A), ("/", "secret.txt")], "", True)
@example(
    "GET",
    "object/authenticated",
    [("/", "documents"), ("/", USER_B), ("/../", USER_A), ("/", "secret.txt")],
    "",
    True,
)
def test_no_spelling_leads_to_anothers_document(
    filled: Pair, method: str, route: str, path: list[tuple[str, str]], query: str, known: bool
) -> None:
    """Asked by user B, or by nobody, with the token of a link to B's own document."""
    upstream = filled.upstream
    own = filled.url(f"{USER_B}/mine.txt", upstream.user_b).partition("?token=")[2]
    target = f"/storage/v1/{route}" + "".join(gap + name for gap, name in path)
    fields = upstream.fields(upstream.user_b) if known else {}
    answer = asked(filled, method, target + query.replace("{token}", own), fields)
    assert SECRET not in answer.body
    if answer.status == 200 and answer.body == b"mine":
        assert known or query
        assert answer.fields[b"cache-control"].startswith(b"private")
    assert answer.status < 500 or answer.status == 503
    assert answer.fields[b"access-control-allow-origin"] == b"*"
