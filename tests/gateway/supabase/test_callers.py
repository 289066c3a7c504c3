from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as EcKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CallerRefused, KeysUnavailable
from gateway.supabase.callers import LONGEST, REMEMBERED_FOR, Caller, Callers
from gateway.supabase.keys import Key, Keyring, KeySet

SECRET = "a-secret-of-the-project-with-at-least-32-characters"
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
Claims = dict[str, object]
PrivateKey = EcKey | RSAPrivateKey | Ed25519PrivateKey
Sign = Callable[[bytes], bytes]


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def shared(key: bytes = SECRET.encode(), digest: str = "sha256") -> Sign:
    return lambda text: hmac.digest(key, text, digest)


def forged(sign: Sign, claims: object = CLAIMS, **header: object) -> str:
    """A token put together by hand; a library would not make most of these."""
    text = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{b64(sign(text.encode()))}"


def hs256(claims: object = CLAIMS, **header: object) -> str:
    return forged(shared(), claims, alg="HS256", **header)


@dataclass
class Published:
    """A key set that is held in memory, counts who asks, and may be changed or lost."""

    keys: KeySet
    asked: int = 0
    lost: bool = False

    async def key(self, algorithm: str, kid: str) -> Key:
        self.asked += 1
        if self.lost:
            raise KeysUnavailable
        return self.keys.find(algorithm, kid)


@dataclass
class Project:
    """A project with a secret and three published keys: e, r and d."""

    ec: EcKey
    rsa: RSAPrivateKey
    ed: Ed25519PrivateKey
    published: Published
    now: float = NOW
    callers: Callers = field(init=False)

    def __post_init__(self) -> None:
        self.callers = self.those_of(Keyring(SECRET, self.published))

    def those_of(self, keys: Keyring, issuer: str = ISSUER, audience: str = AUDIENCE) -> Callers:
        return Callers(keys, issuer=issuer, audience=audience, clock=lambda: self.now)

    def signed(self, algorithm: str, kid: str, claims: Claims = CLAIMS) -> str:
        keys: dict[str, PrivateKey] = {"ES256": self.ec, "RS256": self.rsa, "EdDSA": self.ed}
        return jwt.encode(claims, keys[algorithm], algorithm, headers={"kid": kid} if kid else None)

    def by_ec(self, key: EcKey | None = None) -> Sign:
        algorithm = jwt.get_algorithm_by_name("ES256")
        return lambda text: algorithm.sign(text, key or self.ec)

    def pem(self) -> bytes:
        return self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def der(self) -> bytes:
        return self.rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def project(
    jwk: Callable[..., dict[str, object]],
    ec_key: EcKey,
    rsa_key: RSAPrivateKey,
    ed_key: Ed25519PrivateKey,
) -> Project:
    members = [jwk(ec_key, "e"), jwk(rsa_key, "r"), jwk(ed_key, "d")]
    keys = KeySet.read(json.dumps({"keys": members}).encode())
    return Project(ec_key, rsa_key, ed_key, Published(keys))


def known(callers: Callers, token: str, apikey: bytes = b"anon-key") -> Caller:
    return asyncio.run(callers.caller(b"Bearer " + token.encode(), apikey))


def reason(callers: Callers, token: str, apikey: bytes = b"anon-key") -> str:
    with pytest.raises(CallerRefused) as caught:
        known(callers, token, apikey)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.reason


OPAQUE = Callers(Keyring(), clock=lambda: NOW)
KEYED = Callers(Keyring(SECRET), clock=lambda: NOW)


@pytest.mark.parametrize(("algorithm", "kid"), [("ES256", "e"), ("RS256", "r"), ("EdDSA", "d")])
def test_a_token_of_a_published_key_proves_its_holder(
    project: Project, algorithm: str, kid: str
) -> None:
    caller = known(project.callers, project.signed(algorithm, kid))
    assert caller.verified
    assert (caller.subject, caller.role) == (CLAIMS["sub"], "authenticated")
    assert caller.expires_at == CLAIMS["exp"]


def test_a_token_of_the_secret_proves_its_holder_under_any_key_name(project: Project) -> None:
    assert known(project.callers, hs256()).verified
    assert known(project.callers, hs256(kid="e")).verified
    assert project.published.asked == 0


ATTACKS: list[tuple[str, Callable[[Project], str], str]] = [
    ("alg none", lambda p: forged(lambda _: b"", alg="none"), "malformed"),
    ("alg none with a signature", lambda p: forged(shared(), alg="none"), "signature"),
    ("alg NonE", lambda p: forged(shared(), alg="NonE"), "signature"),
    ("no alg", lambda p: forged(shared()), "malformed"),
    ("alg a list", lambda p: forged(shared(), alg=["HS256"]), "malformed"),
    ("public PEM as secret", lambda p: forged(shared(p.pem()), alg="HS256", kid="r"), "signature"),
    ("public DER as secret", lambda p: forged(shared(p.der()), alg="HS256", kid="r"), "signature"),
    ("empty secret", lambda p: forged(shared(b""), alg="HS256", kid="/dev/null"), "signature"),
    ("ES256 named, HMAC made", lambda p: forged(shared(), alg="ES256", kid="e"), "signature"),
    ("RS256 named, PEM HMAC", lambda p: forged(shared(p.pem()), alg="RS256", kid="r"), "signature"),
    ("zeros", lambda p: forged(lambda _: bytes(64), alg="ES256", kid="e"), "signature"),
    ("longer HMAC", lambda p: forged(shared(digest="sha512"), alg="HS512"), "signature"),
    ("HMAC alike", lambda p: forged(shared(digest="sha384"), alg="HS384"), "signature"),
    ("kid of another kind", lambda p: p.signed("ES256", "r"), "signature"),
    ("alg of another kind", lambda p: p.signed("RS256", "e"), "signature"),
    ("padding of another kind", lambda p: forged(shared(), alg="PS256", kid="r"), "signature"),
    ("kid unknown", lambda p: p.signed("ES256", "x"), "signature"),
    ("kid missing", lambda p: p.signed("ES256", ""), "signature"),
    ("kid no text", lambda p: forged(p.by_ec(), alg="ES256", kid=["e"]), "malformed"),
    ("crit", lambda p: hs256(crit=["exp"]), "malformed"),
    ("crit b64", lambda p: hs256(crit=["b64"], b64=True), "malformed"),
    ("b64", lambda p: hs256(b64=False), "malformed"),
    ("padded", lambda p: hs256() + "=", "malformed"),
    ("two parts", lambda p: hs256().rpartition(".")[0], "malformed"),
    ("five parts", lambda p: hs256() + ".a.b", "malformed"),
    ("a word", lambda p: "word", "malformed"),
    ("payload no object", lambda p: hs256([CLAIMS]), "malformed"),
    ("header too deep", lambda p: f"{b64(b'[' * 5000)}.e30.AAAA", "malformed"),
    ("header no object", lambda p: f"{b64(b'[]')}.e30.AAAA", "malformed"),
    ("header no text", lambda p: f"{b64(bytes([255]))}.e30.AAAA", "malformed"),
]


@pytest.mark.parametrize(
    ("attack", "refused"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS]
)
def test_an_attack_on_the_proof_is_refused(
    project: Project, attack: Callable[[Project], str], refused: str
) -> None:
    assert reason(project.callers, attack(project)) == refused


@pytest.mark.parametrize("name", ["jwk", "x5c", "jku", "x5u"])
def test_a_key_that_a_token_brings_along_is_never_used(
    project: Project, jwk: Callable[..., dict[str, object]], name: str
) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    brought = {"jwk": jwk(stranger, "e"), "x5c": ["AAAA"]}.get(name, "https://127.0.0.1:1/")
    token = forged(project.by_ec(stranger), alg="ES256", kid="e", **{name: brought})
    assert reason(project.callers, token) == "signature"
    assert known(project.callers, forged(project.by_ec(), alg="ES256", kid="e", **{name: brought}))


def test_a_public_key_is_no_secret_where_no_secret_is_configured(project: Project) -> None:
    callers = project.those_of(Keyring(published=project.published))
    assert reason(callers, forged(shared(project.pem()), alg="HS256", kid="r")) == "signature"
    assert reason(callers, hs256()) == "signature"
    assert known(callers, project.signed("RS256", "r")).verified


def test_a_token_without_a_subject_names_nobody() -> None:
    service = known(KEYED, hs256({"role": "service_role", "exp": NOW + 60}))
    assert (service.subject, service.role) == ("", "service_role")
    assert service.actor.startswith("key-")


@pytest.mark.parametrize(
    "authorization",
    [
        b"Basic dXNlcjpwYXNz",
        b"Bearer",
        b"Bearer ",
        b"Bearer a b",
        b"Bearer a, Bearer b",
        b"Bearer\ta",
        b"Bearer =a",
        b"Bearer a\0",
        b"Bearer a\r\nx: y",
        b"Bearer a\n",
        b" Bearer a",
        b"Bearer a ",
        b"Bearer \xff",
        b"Bearera",
        b"a.b.c",
        b"AWS4-HMAC-SHA256 Credential=x",
        b" ",
        b"Bearer " + b"a" * (LONGEST - 6),
    ],
)
@pytest.mark.parametrize("callers", [OPAQUE, KEYED], ids=["opaque", "keyed"])
def test_a_field_that_is_no_bearer_token_is_refused(callers: Callers, authorization: bytes) -> None:
    with pytest.raises(CallerRefused, match="malformed"):
        asyncio.run(callers.caller(authorization, b""))


@pytest.mark.parametrize("apikey", [b"a\0b", b"a\nb", b" a", b"a ", b"\xe9", b"a" * (LONGEST + 1)])
def test_an_apikey_that_can_not_be_sent_on_is_refused(apikey: bytes) -> None:
    with pytest.raises(CallerRefused, match="malformed"):
        asyncio.run(OPAQUE.caller(b"", apikey))


def test_the_longest_token_is_still_passed_on() -> None:
    assert known(OPAQUE, "a" * (LONGEST - 7)).authorization.endswith(b"aa")


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER   "])
def test_the_scheme_may_be_written_in_any_case(scheme: bytes) -> None:
    assert asyncio.run(KEYED.caller(scheme + hs256().encode(), b"")).verified


@given(st.binary(max_size=60) | st.from_regex(rb"[Bb]earer [!-~]{0,40}"), st.binary(max_size=20))
def test_any_octets_are_a_caller_or_refused(authorization: bytes, apikey: bytes) -> None:
    for callers in (OPAQUE, KEYED):
        try:
            caller = asyncio.run(callers.caller(authorization, apikey))
        except CallerRefused:
            continue
        sent = dict(caller.fields())
        assert sent.get("authorization", "").encode() == authorization
        assert sent.get("apikey", "").encode() == apikey


def test_who_sends_no_token_is_anonymous() -> None:
    caller = asyncio.run(KEYED.caller(b"", b"anon-key"))
    assert (caller.subject, caller.actor, caller.verified) == ("", "anon", False)
    assert caller.fields() == [("apikey", "anon-key")]
    assert asyncio.run(KEYED.caller(b"", b"")).fields() == []


@pytest.mark.parametrize("key", ["sb_publishable_abc", "sb_secret_abc", "sb_secret_a.b.c"])
def test_supabases_own_keys_pass_untouched(project: Project, key: str) -> None:
    for callers in (project.callers, OPAQUE):
        caller = known(callers, key, b"sb_publishable_abc")
        assert caller.fields()[0] == ("authorization", f"Bearer {key}")
        assert (caller.subject, caller.verified, caller.expires_at) == ("", False, math.inf)
        assert caller.actor.startswith("key-")


def test_a_key_sent_twice_is_upstreams_to_judge(project: Project) -> None:
    anon = hs256({"role": "anon", "iss": "supabase", "exp": NOW - 1})
    assert reason(project.callers, anon) == "claims"
    caller = known(project.callers, anon, anon.encode())
    assert (caller.verified, caller.role, caller.actor) == (False, "anon", "anon")
    assert caller.expires_at == NOW - 1


def test_a_user_who_sends_a_token_twice_is_still_named(project: Project) -> None:
    token = project.signed("ES256", "e")
    caller = known(project.callers, token, token.encode())
    assert (caller.verified, caller.actor) == (False, f"viewer:{CLAIMS['sub']}")


def test_without_keys_a_token_is_read_and_proves_nothing() -> None:
    caller = known(OPAQUE, forged(lambda _: b"whatever", alg="ES256"))
    assert not caller.verified
    assert caller.actor == f"viewer:{CLAIMS['sub']}"
    assert caller.expires_at == CLAIMS["exp"]


@pytest.mark.parametrize("exp", [NOW - 1, NOW + 60])
def test_without_keys_the_time_is_upstreams_to_judge(exp: float) -> None:
    assert known(OPAQUE, hs256({**CLAIMS, "exp": exp, "iss": "x"})).expires_at == exp


def test_a_proof_is_remembered_for_a_minute(project: Project) -> None:
    token = project.signed("ES256", "e")
    first = known(project.callers, token)
    project.published.keys = KeySet()
    project.now += REMEMBERED_FOR - 0.1
    assert known(project.callers, token) == first
    assert project.published.asked == 1
    project.now += 0.1
    assert reason(project.callers, token) == "signature"
    assert REMEMBERED_FOR == 60


def test_a_proof_is_not_remembered_past_its_end(project: Project) -> None:
    token = project.signed("ES256", "e", {**CLAIMS, "exp": NOW + 5})
    known(project.callers, token)
    project.now += 5
    assert reason(project.callers, token) == "expired"


def test_a_proof_is_remembered_for_both_credentials_together(project: Project) -> None:
    token = project.signed("ES256", "e")
    assert known(project.callers, token, b"one").apikey == b"one"
    assert known(project.callers, token, b"two").apikey == b"two"
    assert project.published.asked == 2


def test_what_was_refused_is_not_remembered(project: Project) -> None:
    token = project.signed("ES256", "e")
    project.published.lost = True
    with pytest.raises(KeysUnavailable):
        known(project.callers, token)
    project.published.lost = False
    assert known(project.callers, token).verified


def test_the_memory_keeps_the_last_used(project: Project) -> None:
    keys = Keyring(published=project.published)
    callers = Callers(keys, clock=lambda: NOW, room=2)
    token = project.signed("RS256", "r")
    for apikey in (b"one", b"two", b"one", b"three", b"one"):
        known(callers, token, apikey)
    assert project.published.asked == 3
    known(callers, token, b"two")
    assert project.published.asked == 4


FIELD = st.from_regex(rb"[!-~]([ -~]{0,6}[!-~])?", fullmatch=True) | st.just(b"")


@given(FIELD, FIELD, FIELD, FIELD)
def test_two_callers_have_one_digest_only_with_the_same_credentials(
    one: bytes, two: bytes, three: bytes, four: bytes
) -> None:
    same = (one, two) == (three, four)
    assert (Caller(one, two).digest == Caller(three, four).digest) is same


def test_the_digest_is_the_hash_of_both_with_a_nul_between() -> None:
    assert Caller(b"Bearer a", b"k").digest == hashlib.sha256(b"Bearer a\0k").digest()
    assert Caller(b"ab", b"c").digest != Caller(b"a", b"bc").digest


def test_a_caller_shows_no_credential() -> None:
    caller = known(KEYED, hs256(), b"anon-key")
    assert "anon-key" not in repr(caller)
    assert hs256()[:20] not in repr(caller)
    assert len(Caller(b"Bearer sb_secret_a").actor) == len("key-") + 6
    with pytest.raises(FrozenInstanceError):
        caller.verified = False  # type: ignore[misc]
