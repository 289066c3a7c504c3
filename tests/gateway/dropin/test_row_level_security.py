"""Row level security holds on every route: five hundred rows under policies of every kind."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.contract.pairs import Pair
from tests.contract.server import USER_A, USER_B
from tests.contract.server.policies import Policy, own_folder

CASES = 500
TENANT = {"x-tenant": "north"}
OPERATIONS = (
    *("storage.object.sign", "storage.object.sign_many"),
    *("storage.object.get_authenticated", "storage.object.info"),
)
ROUTES = ("sign", "sign many", "links", "authenticated", "render", "bare", "public", "info")
NAMES = ("a.txt", "b c+(1).txt", "deep/er/x.txt", "dash-'!$&=@.txt", "why?.txt")


@dataclass
class Case:
    """One row, who asks for it, and the policy that judges."""

    number: int
    kind: str
    policy: Policy
    who: str
    claims: dict[str, Any]
    bucket: str
    public: bool
    key: str
    routes: list[str]
    links: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return f"<the document {self.bucket}/{self.key} and no other>".encode()

    def token(self, pair: Pair) -> str:
        upstream = pair.upstream
        match self.who:
            case "nobody":
                return ""
            case "anon":
                return upstream.anon
            case "service":
                return upstream.service
            case subject:
                return upstream.token(subject, self.claims)


def policies(rng: random.Random) -> tuple[str, Policy]:
    operations = frozenset(rng.sample(OPERATIONS, rng.randint(1, 3)))
    hour, closes = rng.randint(0, 23), rng.randint(0, 23)
    kinds: dict[str, Policy] = {
        "folder": own_folder,
        "nothing": lambda q: False,
        "everything": lambda q: True,
        "operation": lambda q: q.operation in operations,
        "claim": lambda q: q.claims.get("app_metadata", {}).get("clinic") == "north",
        "level": lambda q: q.claims.get("aal") == "aal2" and q.role == "authenticated",
        "time": lambda q: hour < closes,
        "field": lambda q: q.fields.get("x-tenant") == "north",
        "key of the project": lambda q: "apikey" in q.fields,
        "method": lambda q: q.method == "GET",
        "path": lambda q: q.path.startswith(("/object/sign/", "/object/authenticated/")),
        "subject": lambda q: q.subject == USER_A,
        "role": lambda q: q.role in ("anon", "service_role"),
        "name": lambda q: q.key.endswith("a.txt"),
        "bucket": lambda q: q.bucket == "pub",
    }
    kind = rng.choice(sorted(kinds))
    return kind, kinds[kind]


def drawn(number: int, rng: random.Random) -> Case:
    kind, policy = policies(rng)
    folder = rng.choice((USER_A, USER_B, "shared", "other"))
    return Case(
        number,
        kind,
        policy,
        rng.choice((USER_A, USER_A, USER_B, "anon", "nobody", "service")),
        rng.choice(({}, {"app_metadata": {"clinic": "north"}}, {"aal": "aal2"}, {"role": "staff"})),
        rng.choice(("documents", "documents", "pub")),
        rng.random() < 0.5,
        f"{folder}/{number}/{rng.choice(NAMES)}",
        rng.sample(ROUTES, 4),
    )


def asks(case: Case) -> dict[str, tuple[str, str, Any]]:
    """Method, path and body of the row's request on each storage route."""
    path, body = f"{case.bucket}/{quote(case.key)}", {"expiresIn": 3_600}
    return {
        "sign": ("POST", f"/object/sign/{path}", body),
        "sign many": ("POST", f"/object/sign/{case.bucket}", {**body, "paths": [case.key]}),
        "authenticated": ("GET", f"/object/authenticated/{path}", None),
        "render": ("GET", f"/render/image/authenticated/{path}?width=9", None),
        "bare": ("GET", f"/object/{path}", None),
        "public": ("GET", f"/object/public/{path}", None),
        "info": ("GET", f"/object/info/{path}", None),
    }


# What Supabase is asked in place of a route of ours, or of one that costs it a picture.
STANDS_FOR = {"links": "sign many", "render": "authenticated"}


def upstreams_word(pair: Pair, case: Case) -> dict[str, bool]:
    """Whom Supabase itself would let, by route; but for `info` only the two credentials go up."""
    token, known = case.token(pair), asks(case)
    fields = pair.upstream.fields(token) if token else {}

    async def asked(client: httpx.AsyncClient, route: str) -> bool:
        method, path, body = known[STANDS_FOR.get(route, route)]
        more = TENANT if route == "info" else {}
        answer = await client.request(method, path, json=body, headers={**fields, **more})
        if method == "POST":
            return "token=" in answer.text
        return answer.status_code == 200

    async def each() -> dict[str, bool]:
        transport = httpx.ASGITransport(app=pair.upstream.app)
        base = "http://direct/storage/v1"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return {route: await asked(client, route) for route in case.routes}

    told: dict[str, bool] = pair.door.run(each())
    return told


def answered(pair: Pair, case: Case, route: str) -> httpx.Response:
    """What the gateway says, to a caller who sends more than the two credentials."""
    token = case.token(pair)
    fields = {**(pair.upstream.fields(token) if token else {}), **TENANT}
    if route == "links":
        wanted = {"documents": [{"bucket": case.bucket, "key": case.key}]}
        answer = pair.door.ask("POST", "/v1/links", headers=fields, json=wanted)
        assert isinstance(answer, httpx.Response)
        return answer
    method, path, body = asks(case)[route]
    return pair.ask(method, path, headers=fields, json=body)


def link_in(route: str, answer: httpx.Response) -> str:
    """The target of the link in an answer, "" when there is none."""
    if answer.status_code != 200:
        return ""
    match route, answer.json():
        case "sign", {"signedURL": str() as url}:
            return spelled(url)
        case "sign many", [{"signedURL": str() as url}]:
            return spelled(url)
        case "links", {"links": [{"template": str() as template}]}:
            return template.replace("{rendition}", "original")
    return ""


def spelled(url: str) -> str:
    """A decoded URL as it goes over the wire; a key may hold a question mark."""
    path, _, token = url.rpartition("?token=")
    return f"/storage/v1{quote(path)}?token={token}"


def check(pair: Pair, case: Case, route: str, answer: httpx.Response, *, allowed: bool) -> None:
    said = f"{case.number} {case.kind} {case.who} {route}: {answer.status_code} {answer.text[:200]}"
    if not allowed:
        assert answer.status_code in (400, 401, 403) or route in ("sign many", "links"), said
        assert case.body not in answer.content, said
        assert "token=" not in answer.text, said
        assert "/d/" not in answer.text, said
        return
    if route in ("sign", "sign many", "links"):
        link = link_in(route, answer)
        assert link, said
        assert pair.door.get(link).content == case.body, said
        if route != "links":
            case.links.append(link)
    elif route == "info":
        assert answer.json()["name"] == case.key, said
    elif route == "render":  # text makes no picture: that it was tried shows that it was let
        assert answer.json()["statusCode"] == "422", said
    else:
        assert answer.content == case.body, said


@pytest.fixture
def judged(pair: Pair) -> Callable[[Case], Counter[bool]]:
    """Asks for one row on every route; how often the answer was yes, and no."""

    def judge(case: Case) -> Counter[bool]:
        upstream = pair.upstream
        upstream.put(case.bucket, case.key, case.body, "text/plain")
        upstream.publish("pub", public=case.public)
        upstream.policy = case.policy
        allowed = upstreams_word(pair, case)
        for route, yes in allowed.items():
            # No token at all is no caller of our own API, whatever is open to nobody.
            yes = yes and (case.who != "nobody" or route != "links")
            check(pair, case, route, answered(pair, case, route), allowed=yes)
        if case.kind == "field" and case.who != "service":
            assert not allowed.get("sign"), "the field is not asked with"
            assert not allowed.get("sign many")
        return Counter(allowed.values())

    return judge


def test_no_denied_row_gets_a_link_or_an_octet_and_each_allowed_one_its_own(
    pair: Pair, judged: Callable[[Case], Counter[bool]]
) -> None:
    rng = random.Random(20_261_123)
    cases = [drawn(number, rng) for number in range(CASES)]
    counts: Counter[bool] = Counter()
    for case in cases:
        counts += judged(case)
    assert min(counts[True], counts[False]) > CASES // 2, counts
    _no_link_opens_another(pair, cases)


def _no_link_opens_another(pair: Pair, cases: list[Case]) -> None:
    """Every pair of twenty links and twenty documents."""
    linked = [case for case in cases if case.links][:20]
    assert len(linked) == 20
    for one in linked:
        token = one.links[0].partition("?")[2]
        for other in linked:
            path = f"/storage/v1/object/sign/{other.bucket}/{quote(other.key)}"
            answer = pair.door.get(f"{path}?{token}")
            if one is other:
                assert answer.content == one.body
            else:
                assert answer.status_code == 400
                assert json.loads(answer.content)["code"] == "InvalidJWT"
