"""Tokens that prove nobody get nothing on any route, whatever a lenient policy would allow."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.pairs import Pair, emptied
from tests.contract.server import USER_A, ContractServer

KEY, BODY = f"{USER_A}/letter.txt", b"a letter to one person"
CLAIMS = {"sub": USER_A, "role": "authenticated", "aud": "authenticated", "iss": "here"}
FOREIGN = "a secret of some other project, which has nothing to do with it."


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def minted(secret: str, header: dict[str, object] | None = None, **claims: object) -> str:
    whole = {**CLAIMS, "exp": int(time.time()) + 600, **claims}
    whole = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(whole, secret, algorithm="HS256", headers=header)


def unsigned(algorithm: str, **header: object) -> str:
    return f"{part({'alg': algorithm, **header})}.{part({**CLAIMS, 'exp': 2**32})}."


def confused(server: ContractServer) -> str:
    """HS256 with the published key's text for a secret (CVE-2015-9256 and its like)."""
    public = server.keys.published[server.kid].private.public_key()
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = part({"alg": "HS256", "kid": server.kid}), part({**CLAIMS, "exp": 2**32})
    signed = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), text)
    return f"{head}.{body}." + base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


def embedded(server: ContractServer) -> str:
    """A token that brings its own key along."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True)
    header = {"jwk": jwk, "kid": server.kid, "jku": f"{server.url}/elsewhere"}
    return jwt.encode({**CLAIMS, "exp": 2**32}, key, algorithm="ES256", headers=header)


BAD: dict[str, Callable[[ContractServer], str]] = {
    "wrong secret": lambda s: minted("another secret of thirty-two octets."),
    "foreign project": lambda s: minted(FOREIGN, iss="there"),
    "expired": lambda s: minted(s.jwt_secret, exp=int(time.time()) - 1),
    "expires now": lambda s: minted(s.jwt_secret, exp=int(time.time())),
    "not yet": lambda s: minted(s.jwt_secret, nbf=int(time.time()) + 600),
    "no expiry": lambda s: jwt.encode(CLAIMS, s.jwt_secret, algorithm="HS256"),
    "expiry as text": lambda s: minted(s.jwt_secret, exp="4294967296"),
    "endless expiry": lambda s: minted(s.jwt_secret, exp=2**80),
    "none": lambda s: unsigned("none"),
    "None": lambda s: unsigned("None"),
    "no signature": lambda s: unsigned("HS256"),
    "key confusion": confused,
    "key of its own": embedded,
    "unknown kid": lambda s: minted(s.jwt_secret, {"kid": "nobody"}) + "x",
    "published kid, shared secret": lambda s: minted(FOREIGN, {"kid": s.kid}),
    "kid as a path": lambda s: minted(FOREIGN, {"kid": "../../../../dev/null"}),
    "critical": lambda s: minted(s.jwt_secret, {"crit": ["b64"], "b64": False}),
    "HS512": lambda s: jwt.encode({**CLAIMS, "exp": 2**32}, s.jwt_secret * 2, algorithm="HS512"),
    "tampered": lambda s: minted(s.jwt_secret)[:-2] + "AA",
    "claims swapped": lambda s: ".".join(
        (
            minted(s.jwt_secret).split(".")[0],
            minted(FOREIGN, role="service_role").split(".")[1],
            minted(s.jwt_secret).split(".")[2],
        )
    ),
    "padded": lambda s: minted(s.jwt_secret) + "=",
    "two parts": lambda s: minted(s.jwt_secret).rpartition(".")[0],
    "not a token": lambda s: "x.y.z",
    "subject that breaks lines": lambda s: minted(s.jwt_secret, sub="a\nb"),
    "subject that is a number": lambda s: minted(s.jwt_secret, sub=7),
}


@pytest.fixture(scope="module")
def es256() -> Any:
    """A stand-in whose users may also have keys of their own, published."""
    with ContractServer(algorithm="ES256") as upstream:
        yield upstream


Opened = Callable[..., Pair]


@pytest.fixture
def open_with(open_door: Callable[..., Any], es256: ContractServer) -> Opened:
    """Open gateways before it: `open_with(jwt_secret="")`; all that is asked for is allowed."""

    def opened(**supabase: object) -> Pair:
        upstream = emptied(es256)
        upstream.put("documents", KEY, BODY, "text/plain")
        tables = {
            "supabase": {"url": upstream.url, "service_key": upstream.service, **supabase},
            "stores": {"main": {"url": "supabase:"}},
            "clinic": {"buckets": ["documents", "pub"]},
        }
        return Pair(open_door(**tables), upstream)

    return opened


def answers(pair: Pair, token: str) -> dict[str, httpx.Response]:
    """What the holder of a token gets on each route."""
    return {
        "sign": pair.sign(KEY, token),
        "sign many": pair.sign_many([KEY, KEY], token),
        "links": pair.links([KEY], token),
        "authenticated": pair.get(f"/object/authenticated/documents/{KEY}", token),
        "authenticated HEAD": pair.ask("HEAD", f"/object/authenticated/documents/{KEY}", token),
        "render": pair.get(f"/render/image/authenticated/documents/{KEY}?width=9", token),
        "bare": pair.get(f"/object/documents/{KEY}", token),
        "info": pair.get(f"/object/info/documents/{KEY}", token),
    }


def given(answer: httpx.Response) -> bool:
    """Whether there is a link or a byte of the document in it."""
    return BODY in answer.content or "token=" in answer.text or "/d/" in answer.text


@pytest.mark.parametrize("name", BAD)
def test_a_token_that_proves_nobody_gets_nothing(open_with: Opened, name: str) -> None:
    """Though upstream would let anybody have anything: the gateway asks for no such caller."""
    pair = open_with(jwt_secret=open_with().upstream.jwt_secret)
    pair.upstream.policy = lambda question: True
    token = BAD[name](pair.upstream)
    got = answers(pair, token)
    info = got.pop("info")
    for route, answer in got.items():
        assert answer.status_code in (400, 401, 403), f"{route}: {answer.text}"
        assert not given(answer), route
        assert answer.headers["cache-control"] == "no-store"
    # Facts about a document are Supabase's own to give, by the credentials as they came.
    assert info.headers["cache-control"] == "private, no-store"
    for ask in pair.asked():
        assert "/object/info/" in ask.path or "authorization" not in ask.fields
    assert pair.rows() == []


@pytest.mark.parametrize("name", ["wrong secret", "expired", "none", "tampered", "not a token"])
def test_on_the_bare_route_it_is_nobody_as_at_supabase(open_with: Opened, name: str) -> None:
    pair = open_with(jwt_secret=open_with().upstream.jwt_secret)
    token = BAD[name](pair.upstream)
    private = pair.get(f"/object/documents/{KEY}", token)
    assert (private.status_code, private.json()["code"]) == (400, "NoSuchBucket")
    pair.upstream.put("pub", "a.txt", b"open", "text/plain")
    assert pair.get("/object/pub/a.txt", token).content == b"open"


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
def test_another_scheme_is_no_token(open_with: Opened, scheme: str) -> None:
    pair = open_with(jwt_secret=open_with().upstream.jwt_secret)
    value = f"{scheme} {pair.upstream.user_a}".strip()
    path = f"/storage/v1/object/sign/documents/{KEY}"
    answer = pair.door.ask("POST", path, headers={"authorization": value}, json={"expiresIn": 60})
    assert answer.status_code == 400
    assert not given(answer)
    assert pair.asked() == []


def test_the_right_token_gets_all_of_it(open_with: Opened) -> None:
    pair = open_with(jwt_secret=open_with().upstream.jwt_secret)
    got = answers(pair, pair.upstream.user_a)
    assert [name for name, answer in got.items() if answer.status_code != 200] == ["render"]
    assert all(given(got[name]) for name in ("sign", "sign many", "links", "bare", "authenticated"))


def test_with_published_keys_only_theirs_are_good(open_with: Opened) -> None:
    """ES256 by kid; the shared secret, which is nobody's any more, proves nothing."""
    upstream = open_with().upstream
    pair = open_with(jwks_url=f"{upstream.url}/auth/v1/.well-known/jwks.json")
    good = pair.upstream.token(USER_A, kid=pair.upstream.kid)
    assert pair.sign(KEY, good).status_code == 200
    for token in (
        pair.upstream.user_a,
        confused(pair.upstream),
        embedded(pair.upstream),
        minted(pair.upstream.jwt_secret, {"kid": pair.upstream.kid}),
        unsigned("none", kid=pair.upstream.kid),
        unsigned("ES256", kid=pair.upstream.kid),
        good[:-4] + "AAAA",
    ):
        assert not any(
            given(answer)
            for route, answer in answers(pair, token).items()
            if route not in ("bare", "info")
        )


def test_an_issuer_and_an_audience_that_are_configured_are_needed(open_with: Opened) -> None:
    secret = open_with().upstream.jwt_secret
    pair = open_with(jwt_secret=secret, jwt_issuer="here", jwt_audience="authenticated")
    assert pair.sign(KEY, minted(secret)).status_code == 200
    wrong: tuple[dict[str, Any], ...] = (
        {"iss": "there"},
        {"aud": "x"},
        {"iss": None},
        {"aud": None},
    )
    for claims in wrong:
        assert pair.sign(KEY, minted(secret, **claims)).status_code == 400


def test_in_opaque_mode_upstream_judges_every_token(open_with: Opened) -> None:
    pair = open_with()
    upstream = pair.upstream
    assert all(given(answers(pair, upstream.user_a)[name]) for name in ("sign", "links", "bare"))
    for name in ("wrong secret", "expired", "none", "tampered", "foreign project"):
        token = BAD[name](upstream)
        upstream.requests.clear()
        got = answers(pair, token)
        assert not any(map(given, got.values())), name
        assert pair.asked("POST") or name == "none", "what may be a token was judged there"


def test_keys_of_the_project_are_passed_on_untouched(open_with: Opened) -> None:
    """`sb_…` keys are no tokens: upstream's front door makes roles of them."""
    pair = open_with(jwt_secret=open_with().upstream.jwt_secret)
    fields = {"authorization": "Bearer sb_secret_contract", "apikey": "sb_secret_contract"}
    path = f"/storage/v1/object/sign/documents/{KEY}"
    answer = pair.door.ask("POST", path, headers=fields, json={"expiresIn": 60})
    assert answer.status_code == 200, answer.text
    assert given(answer)
    publishable = dict.fromkeys(("authorization", "apikey"), "sb_publishable_contract")
    publishable["authorization"] = f"Bearer {publishable['apikey']}"
    refused = pair.door.ask("POST", path, headers=publishable, json={"expiresIn": 60})
    assert not given(refused)
    first = next(ask for ask in pair.asked("POST"))
    assert first.fields["apikey"] == "sb_secret_contract"
