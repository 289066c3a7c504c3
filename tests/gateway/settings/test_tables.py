"""Tables: what each value may be, and that nothing else is taken."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import Settings
from signing.grammar import ZONE


def put(tables: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *parents, last = path.split(".")
    for parent in parents:
        tables = tables.setdefault(parent, {})
    tables[last] = value
    return tables


def refusal(whole: dict[str, Any], path: str, value: object) -> str:
    """What is said of a value that is not taken, whose place is beyond doubt."""
    put(whole, path, value)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(whole)
    found = {".".join(str(part) for part in d["loc"]): d for d in caught.value.errors()}
    (where,) = [place for place in found if place.startswith(path)]
    cause = found[where].get("ctx", {}).get("error")
    return f"{cause} {getattr(cause, 'hint', '')}" if cause else found[where]["msg"]


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({}, "at least 1"),
        ({"k1": "ab" * 31}, "not a key"),
        ({"k1": "ab" * 32 + "a"}, "not a key"),
        ({"k1": "zz" * 32}, "not a key"),
        ({"k1": " " + "ab" * 32}, "not a key"),
        ({"k1": "ab" * 32 + "\n"}, "not a key"),
        ({"k1": 7}, "bytes"),
        ({"K1": "ab" * 32}, "id of a key"),
        ({"": "ab" * 32}, "id of a key"),
        ({"toolongid": "ab" * 32}, "id of a key"),
        ({"k1\n": "ab" * 32}, "id of a key"),
    ],
)
def test_a_key_is_hex_of_at_least_32_octets_under_a_short_id(
    keys: dict[str, object], what: str
) -> None:
    assert what in refusal({}, "signing.keys", keys)


def test_keys_are_the_octets_that_the_hex_stands_for_in_either_case() -> None:
    keys = {"k1": "aB" * 32, "k2": "CD" * 40}
    settings = Settings.model_validate({"signing": {"keys": keys, "active": "k1"}})
    plain = {kid: secret.get_secret_value() for kid, secret in settings.signing.keys.items()}
    assert plain == {"k1": b"\xab" * 32, "k2": b"\xcd" * 40}


def test_the_only_key_signs_and_of_several_the_active_one() -> None:
    one = Settings.model_validate({"signing": {"keys": {"k7": "ab" * 32}}})
    assert one.signing.key_ring().active == "k7"
    keys = {"k1": "ab" * 32, "k2": "cd" * 32}
    two = Settings.model_validate({"signing": {"keys": keys, "active": "k2"}})
    assert (two.signing.key_ring().active, list(two.signing.key_ring())) == ("k2", ["k1", "k2"])


def test_the_ring_seals_only_with_a_seal_key(whole: dict[str, Any]) -> None:
    assert Settings.model_validate(whole).signing.key_ring().seals
    plain = Settings.model_validate({"signing": {"keys": {"k1": "ab" * 32}}})
    assert not plain.signing.key_ring().seals


@pytest.mark.parametrize(("active", "what"), [("", "more than one"), ("k3", "no key")])
def test_with_several_keys_the_active_one_must_be_named(
    whole: dict[str, Any], active: str, what: str
) -> None:
    assert what in refusal(whole, "signing.active", active)


@pytest.mark.parametrize("seal", ["ab" * 63, "ab" * 65, "zz" * 64, "ab" * 32])
def test_a_seal_key_is_128_hex_digits(whole: dict[str, Any], seal: str) -> None:
    assert "128 hex digits" in refusal(whole, "signing.seal_key", seal)


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("server.port", "8080", "valid integer"),
        ("server.port", True, "valid integer"),
        ("server.port", 65_536, "less than"),
        ("server.port", -1, "greater than"),
        ("server.host", "", "at least 1"),
        ("server.workers", 0, "greater than"),
        ("server.region", "E U", "not a name"),
        ("server.corp", "none", "Input should be"),
        ("server.max_connections", 0, "greater than"),
        ("server.pots", 1, "not permitted"),
        ("admin.port", "9090", "valid integer"),
        ("admin.tokens", ["open sesame"], "sha256sum"),
        ("admin.tokens", ["sha256:" + "ab" * 31], "not the hash"),
        ("admin.tokens", [7], "valid string"),
        ("renditions.timeout", 0, "greater than"),
        ("renditions.presets", {"original": "w160"}, "preset 'original'"),
        ("renditions.presets", {"w5": "w160"}, "preset 'w5'"),
        ("renditions.presets", {"thumb": "160x160"}, "preset 'thumb'"),
        ("cdn.varnish.provider", "varnsh", "nearest: varnish"),
        ("cdn.varnish.provider", "qqq", "known: varnish, cloudflare"),
        ("cdn.varnish.id", "zone", "means nothing to the provider varnish"),
        ("cdn.varnish.client_token", "hush", "means nothing to the provider varnish"),
        ("cdn.varnish.url", "", "is needed"),
        ("cdn.varnish.url", "ftp://host", "not an http"),
        ("cdn.varnish.url", "http://user@host", "not an http"),
        ("cdn.varnish.url", "http://host:x", "not an http"),
        ("cdn.varnish.url", "http://host:99999", "not an http"),
        ("cdn.varnish.secret", "", "is needed"),
        ("cdn.varnish.secret", "two words", "without spaces"),
        ("cdn.varnish.shield", ["new", ""], "empty secret"),
        ("zones.clinic.buckets", [], "not be empty"),
        ("zones.clinic.buckets", "documents", "valid tuple"),
        ("zones.clinic.buckets", ["~canary"], "not beginning with ~"),
        ("zones.clinic.cache", "public", "Input should be"),
        ("zones.clinic.window", 0, "greater than"),
        ("zones.clinic.window", 86_401, "longer than longest_life, 86400"),
        ("zones.clinic.window", 900.0, "valid integer"),
        ("zones.clinic.longest_life", 315_360_001, "less than"),
        ("zones.clinic.ttl", -1, "greater than"),
        ("zones.clinic.sealed", "yes", "valid boolean"),
        ("zones.clinic.home", "Europe", "not a name"),
        ("zones.clinic.allowed", [""], "not a name"),
        ("zones.clinic.cdn", ["Varnish"], "not a name"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    whole: dict[str, Any], path: str, value: object, what: str
) -> None:
    assert what in refusal(whole, path, value)


@pytest.mark.parametrize(
    "bucket", ["", ".", "..", "a/b", "a\\b", "~a", "a\x00", "a\x7f", "\ud800", "a" * 101, "é" * 51]
)
def test_a_bucket_is_one_segment_of_at_most_100_octets(whole: dict[str, Any], bucket: str) -> None:
    del whole["zones"]["clinic"]["revocable"]
    refusal(whole, "zones.clinic.buckets", [bucket])


@pytest.mark.parametrize("bucket", ["é" * 50, "a b", "a,b", "%41", "a~"])
def test_a_bucket_may_be_any_other_text(whole: dict[str, Any], bucket: str) -> None:
    del whole["zones"]["clinic"]["revocable"]
    put(whole, "zones.clinic.buckets", [bucket])
    assert Settings.model_validate(whole).zones["clinic"].buckets == (bucket,)


@pytest.mark.parametrize(
    ("prefix", "what"),
    [
        ("documents/reports", "slash at its end"),
        ("documents/", "slash at its end"),
        ("", "slash at its end"),
        ("documents//", "no document's name"),
        ("documents/a//b/", "no document's name"),
        ("documents/../", "no document's name"),
        ("documents/./a/", "no document's name"),
        ("documents/a\n/", "no document's name"),
        ("/documents/a/", "no bucket"),
        ("other/a/", "no bucket"),
    ],
)
def test_a_revocable_prefix_is_whole_segments_of_a_bucket_of_the_zone(
    whole: dict[str, Any], prefix: str, what: str
) -> None:
    assert what in refusal(whole, "zones.clinic.revocable", [prefix])


def test_a_revocable_prefix_stands_once(whole: dict[str, Any]) -> None:
    twice = ["documents/a/", "documents/a/"]
    assert "twice" in refusal(whole, "zones.clinic.revocable", twice)


def test_a_window_is_held_to_the_default_of_the_longest_life(whole: dict[str, Any]) -> None:
    put(whole, "zones.clinic.longest_life", 600)
    with pytest.raises(ValidationError, match="longer than longest_life, 600"):
        Settings.model_validate(whole)


def test_allowed_regions_without_a_home_are_refused_since_they_would_bind_nothing(
    whole: dict[str, Any],
) -> None:
    del whole["zones"]["clinic"]["home"]
    assert "without a home" in refusal(whole, "zones.clinic.allowed", ["eu"])


@pytest.mark.parametrize(
    "url",
    [
        "docs.example.org",
        "https://docs.example.org/",
        "https://docs.example.org/a",
        "https://docs.example.org?x",
        "https://user@docs.example.org",
        "https://docs.example.org:",
        "https://docs.example.org:0",
        "https://docs.example.org:65536",
        "https://docs..example.org",
        "https://-docs.example.org",
        "https://docs_example.org",
        "https://",
        "https://[::1",
        "https://[1.2.3.4]",
        "ftp://docs.example.org",
        "HTTPS://docs.example.org\n",
    ],
)
def test_a_public_url_is_scheme_and_host_only(whole: dict[str, Any], url: str) -> None:
    assert "scheme and host" in refusal(whole, "zones.clinic.public_url", url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://docs.example.org", "https://[::1]:8443", ""]
)
def test_a_public_url_may_be_any_host(whole: dict[str, Any], url: str) -> None:
    put(whole, "zones.clinic.public_url", url)
    assert Settings.model_validate(whole).zones["clinic"].public_url == url


@pytest.mark.parametrize("name", ["", "Clinic", "-a", "a_b", "a.b", "a" * 33, "a\n", "é"])
def test_names_of_tables_keep_to_the_grammar_of_zones(whole: dict[str, Any], name: str) -> None:
    assert not ZONE.fullmatch(name)
    for kind, one in (("zones", "clinic"), ("stores", "main"), ("cdn", "spare")):
        table = dict(whole[kind][one], buckets=["other"], revocable=[], store="main")
        spelled = {key: table[key] for key in (whole[kind][one])}
        with pytest.raises(ValidationError, match="is not a name"):
            Settings.model_validate({**whole, kind: {**whole[kind], name: spelled}})


@pytest.mark.parametrize(
    ("token", "what"),
    [
        ({"id": "Desk"}, "id of an operator"),
        ({"scopes": []}, "not be empty"),
        ({"scopes": ["link"]}, "Input should be"),
        ({"hash": "5e" * 32}, "not the hash"),
        ({"zone": "clinic"}, "not permitted"),
    ],
)
def test_a_narrower_token_is_held_to_its_form(
    whole: dict[str, Any], token: dict[str, object], what: str
) -> None:
    assert what in refusal(whole, "admin.token", [whole["admin"]["token"][0] | token])


def test_an_operator_stands_once_by_id_and_by_token(whole: dict[str, Any]) -> None:
    desk = whole["admin"]["token"][0]
    other = {**desk, "hash": "sha256:" + "6f" * 32}
    assert "same id twice" in refusal(whole, "admin.token", [desk, other])
    again = {**desk, "hash": "sha256:" + "4D" * 32}
    assert "same token twice" in refusal(whole, "admin.token", [again])


@pytest.mark.parametrize("keys", [{"access_key": "a"}, {"secret_key": "b"}])
def test_the_two_keys_of_s3_go_together(whole: dict[str, Any], keys: dict[str, str]) -> None:
    whole["stores"]["main"] = {"url": "s3:", **keys}
    with pytest.raises(ValidationError, match="go together"):
        Settings.model_validate(whole)


def test_a_store_knows_its_address(whole: dict[str, Any]) -> None:
    whole["stores"]["main"] = {"url": "s3://b/p", "access_key": "a", "secret_key": "b"}
    address = Settings.model_validate(whole).addresses()["main"]
    assert (address.bucket, address.prefix, address.credentials.secret_key) == ("b", "p", "b")


def test_a_bad_address_of_a_store_is_refused(whole: dict[str, Any]) -> None:
    assert "nothing after" in refusal(whole, "stores.main.url", "supabase://ref")


def test_at_most_three_prefixes_hold_a_document(whole: dict[str, Any]) -> None:
    nested = ["documents/a/", "documents/a/b/", "documents/a/b/c/"]
    put(whole, "zones.clinic.revocable", nested)
    Settings.model_validate(whole)
    deeper = [*nested, "documents/a/b/c/d/"]
    assert "more than 3" in refusal(whole, "zones.clinic.revocable", deeper)


@pytest.mark.parametrize("keys", [{"secret": "a"}, {"access_key": "b"}])
def test_the_two_keys_of_cloudfront_go_together(
    whole: dict[str, Any], keys: dict[str, str]
) -> None:
    whole["cdn"]["spare"] = {"provider": "cloudfront", "id": "E1", **keys}
    with pytest.raises(ValidationError, match="go together"):
        Settings.model_validate(whole)


def test_a_cdn_is_set_up_as_its_table_says_and_shows_no_secret(whole: dict[str, Any]) -> None:
    table = {"url": "https://akab.example", "secret": "s1", "client_token": "c1"}
    whole["cdn"]["spare"] = {"provider": "akamai", **table, "access_token": "a1"}
    settings = Settings.model_validate(whole)
    setup = settings.cdn["spare"].setup("spare")
    assert (setup.name, setup.url, setup.secret) == ("spare", "https://akab.example", "s1")
    assert (setup.client_token, setup.access_token) == ("c1", "a1")
    assert not {"s1", "c1", "a1"} & set(re.findall(r"\w+", repr(settings)))


def test_what_a_provider_is_told_is_not_judged_when_nobody_knows_the_provider() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"cdn": {"a": {"provider": "qqq", "id": "/", "secret": " "}}})
    assert [d["loc"] for d in caught.value.errors()] == [("signing",), ("cdn", "a", "provider")]
