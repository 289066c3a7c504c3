from __future__ import annotations

import json

import pytest

from cdn.facts import FACTS
from cdn.setups import Setup, fault

ACCOUNT = {"client_email": "a@b", "private_key": "k", "token_uri": "http://x"}


@pytest.mark.parametrize(
    ("kind", "key", "value", "what"),
    [
        ("varnish", "url", "", "is needed by the provider varnish"),
        ("varnish", "url", "http://u@h", "not an http"),
        ("varnish", "url", "http://h:x", "not an http"),
        ("varnish", "url", "http://h:0", "not an http"),
        ("varnish", "secret", "two words", "plain ASCII"),
        ("varnish", "id", "x", "means nothing to the provider varnish"),
        ("cloudflare", "id", "", "is needed"),
        ("cloudflare", "id", "a/b", "may stand in a path"),
        ("cloudflare", "id", "..", "may stand in a path"),
        ("cloudflare", "id", "a?b", "may stand in a path"),
        ("cloudflare", "plan", "gold", "no plan"),
        ("cloudflare", "account", "x", "means nothing"),
        ("fastly", "plan", "free", "means nothing"),
        ("google", "account", "a b", "may stand in a path"),
        ("google", "secret", "a-token", "service account"),
        ("google", "secret", "[]", "service account"),
        ("google", "secret", json.dumps({**ACCOUNT, "private_key": 7}), "service account"),
        ("akamai", "network", "test", "neither production nor staging"),
        ("akamai", "client_token", "", "is needed"),
        ("akamai", "access_token", "ä", "plain ASCII"),
        ("cloudfront", "access_key", "a\nb", "plain ASCII"),
    ],
)
def test_what_a_provider_can_not_work_with_is_told(
    kind: str, key: str, value: str, what: str
) -> None:
    found = fault(kind, key, value)
    assert found is not None
    assert what in found.what
    assert not value or value in ("x", "k") or value not in " ".join(found)


@pytest.mark.parametrize(
    ("kind", "origin"),
    [("varnish", "openssl rand"), ("nginx", "openssl rand"), ("bunny", "as the CDN gave it")],
)
def test_where_a_secret_comes_from_is_told(kind: str, origin: str) -> None:
    missing, wrong = fault(kind, "secret", ""), fault(kind, "secret", "two words")
    assert missing is not None
    assert wrong is not None
    assert origin in missing.hint
    assert origin in wrong.hint


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("varnish", "url", "https://v.example.org:6082/"),
        ("varnish", "id", ""),
        ("cloudflare", "id", "023e105f4ecef8ad9ca31a8372d0c353"),
        ("cloudflare", "plan", "business"),
        ("cloudflare", "plan", ""),
        ("google", "account", "example.com:project-1"),
        ("google", "secret", json.dumps(ACCOUNT)),
        ("akamai", "network", "staging"),
        ("cloudfront", "secret", ""),
        ("null", "id", "anything"),
    ],
)
def test_what_a_provider_can_work_with_is_taken(kind: str, key: str, value: str) -> None:
    assert fault(kind, key, value) is None


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_needs_and_takes_are_keys_of_a_setup(kind: str) -> None:
    facts = FACTS[kind]
    assert not set(facts.needs) & set(facts.takes)
    Setup("edge", **dict.fromkeys((*facts.needs, *facts.takes), "x"))
