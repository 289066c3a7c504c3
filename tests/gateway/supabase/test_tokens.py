from __future__ import annotations

import base64
import json
import math
import string
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import CallerRefused
from gateway.supabase.keys import Key
from gateway.supabase.tokens import Claims, header, proved, unproved

SECRET = "a-secret-of-the-project-with-at-least-sixty-four-characters-in-it"
KEY = Key("HS256", SECRET.encode())
NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://project.test/auth/v1", "authenticated"
CLAIMS: dict[str, object] = {
    "sub": "aaaaaaaa-0000-4000-8000-000000000001",
    "role": "authenticated",
    "iss": ISSUER,
    "aud": AUDIENCE,
    "iat": NOW - 10,
    "exp": NOW + 3600,
}


def signed(claims: object, algorithm: str = "HS256", key: str | RSAPrivateKey = SECRET) -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm)


def judged(token: str, key: Key = KEY, issuer: str = ISSUER, audience: str = AUDIENCE) -> Claims:
    """The claims, as a caller's token is judged: the header first."""
    header(token)
    return proved(token, key, issuer, audience)


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(CallerRefused) as caught:
        act()
    return caught.value.reason


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_key_says_the_algorithm_and_not_the_token(algorithm: str) -> None:
    assert reason(lambda: judged(signed(CLAIMS, algorithm))) == "signature"
    assert judged(signed(CLAIMS, algorithm), Key(algorithm, SECRET.encode())).subject


def test_a_key_of_one_kind_verifies_nothing_of_its_other_algorithms(rsa_key: RSAPrivateKey) -> None:
    token = signed(CLAIMS, "PS256", rsa_key)
    assert reason(lambda: judged(token, Key("RS256", rsa_key.public_key()))) == "signature"


def test_the_header_gives_algorithm_and_key_name() -> None:
    assert header(signed(CLAIMS)) == ("HS256", "")
    named = jwt.encode({}, SECRET, headers={"kid": "k", "jku": "https://elsewhere.test/"})
    assert header(named) == ("HS256", "k")


@given(st.data())
def test_no_token_with_a_character_changed_is_taken(data: st.DataObject) -> None:
    token = signed(CLAIMS)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_.=+/~"))
    assume(token[at] != other)
    changed = token[:at] + other + token[at + 1 :]
    assert reason(lambda: judged(changed)) in {"malformed", "signature"}


BAD_CLAIMS: list[tuple[str, object, str]] = [
    ("exp", None, "claims"),
    ("exp", str(NOW + 60), "claims"),
    ("exp", True, "claims"),
    ("exp", math.nan, "claims"),
    ("exp", math.inf, "claims"),
    ("exp", 10**400, "claims"),
    ("exp", [NOW + 60], "claims"),
    ("exp", NOW, "expired"),
    ("exp", NOW - 1, "expired"),
    ("exp", -1, "expired"),
    ("nbf", NOW + 1, "not-yet"),
    ("nbf", "soon", "claims"),
    ("nbf", None, "claims"),
    ("iss", None, "claims"),
    ("iss", ISSUER + "/", "claims"),
    ("iss", [ISSUER], "claims"),
    ("aud", None, "claims"),
    ("aud", "other", "claims"),
    ("aud", AUDIENCE[:-1], "claims"),
    ("aud", {AUDIENCE: 1}, "claims"),
    ("aud", [1, AUDIENCE], "claims"),
    ("aud", [], "claims"),
    ("sub", 7, "claims"),
    ("sub", None, "claims"),
    ("sub", "a\nb", "claims"),
    ("sub", "\ud800", "claims"),
    ("sub", "x" * 256, "claims"),
    ("role", ["anon"], "claims"),
]


@pytest.mark.parametrize(("name", "value", "refused"), BAD_CLAIMS)
def test_a_claim_that_does_not_hold_is_refused(name: str, value: object, refused: str) -> None:
    token = signed({**CLAIMS, name: value})
    assert reason(lambda: judged(token).check(NOW)) == refused


@pytest.mark.parametrize("name", ["exp", "iss", "aud"])
def test_a_claim_that_is_needed_may_not_be_left_out(name: str) -> None:
    left = {key: value for key, value in CLAIMS.items() if key != name}
    assert reason(lambda: judged(signed(left))) == "claims"


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "aud": ["other", AUDIENCE]},
        {**CLAIMS, "iat": NOW + 30},
        {**CLAIMS, "nbf": NOW},
        {**CLAIMS, "exp": NOW + 0.5},
        {**CLAIMS, "jti": 7},
        {**CLAIMS, "sub": "auth0|jürgen"},
    ],
)
def test_what_upstream_takes_is_taken(claims: dict[str, object]) -> None:
    found = judged(signed(claims))
    found.check(NOW)
    assert found.subject == claims["sub"]


def test_issuer_and_audience_are_looked_at_only_where_configured() -> None:
    for claims in (CLAIMS, {"exp": NOW + 60}, {**CLAIMS, "iss": "supabase", "aud": "x"}):
        assert judged(signed(claims), issuer="", audience="").expires_at > NOW


@pytest.mark.parametrize("token", ["opaque-word", "a.b", "a.b.c.d", "a.b.c.d.e", "abc+/~=="])
def test_what_is_no_jwt_says_nothing_of_its_holder(token: str) -> None:
    assert unproved(token) == Claims()


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "~",
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: "e30." + b64(b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}") + ".AAAA",
        lambda token: "e30." + b64(b'{"a":' + b"1" * 5000 + b"}") + ".AAAA",
        lambda token: "e30.W10.AAAA",
    ],
)
def test_a_jwt_that_hides_its_subject_is_refused(
    change: Callable[[str], str],
) -> None:
    token = change(signed(CLAIMS))
    assert reason(lambda: unproved(token)) == "malformed"


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40))
def test_any_subject_that_can_be_written_is_read(subject: str) -> None:
    assert unproved(signed({"sub": subject})).subject == subject
