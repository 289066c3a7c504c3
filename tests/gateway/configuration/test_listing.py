"""The listing: TOML again, every setting in it, no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gateway.configuration import load
from gateway.configuration.listing import listing


def test_the_listing_is_toml_with_every_effective_value(example: Path) -> None:
    told = tomllib.loads(listing(load(example, {"OSTIARY_SERVER__PORT": "9"})))
    assert told["server"]["port"] == 9
    assert told["zones"]["clinic"]["stale_if_error"] == 0
    assert told["renditions"] == {
        "presets": {"thumb": "w160-h160-cover"},
        "workers": 0,
        "timeout": 15,
        "improve": True,
    }
    assert told["cdn"]["varnish"]["secret"] == "…(13 octets)"


def test_each_value_says_where_it_came_from(example: Path) -> None:
    environ = {
        "OSTIARY_SERVER__PORT": "9",
        "OSTIARY_ZONES__CLINIC__ALLOWED": '["eu", "ch"]',
        "OSTIARY_ADMIN__TOKEN": '[{"id": "desk", "hash": "sha256:%s", "scopes": ["links"]}]'
        % ("ab" * 32),
    }
    lines = listing(load(example, environ), origins=True).splitlines()
    assert "port = 9  # OSTIARY_SERVER__PORT" in lines
    assert 'allowed = ["eu", "ch"]  # OSTIARY_ZONES__CLINIC__ALLOWED' in lines
    assert "workers = 1  # default" in lines
    assert f'keys.k1 = "…(32 octets)"  # {example}' in lines
    assert "[[admin.token]]" in lines
    assert 'id = "desk"  # OSTIARY_ADMIN__TOKEN' in lines
    assert "# cdn is not set  # default" in lines


def test_several_tokens_are_several_tables() -> None:
    token = '{"id": "%s", "hash": "sha256:%s", "scopes": ["links"]}'
    tokens = ", ".join(token % pair for pair in [("a", "ab" * 32), ("b", "cd" * 32)])
    environ = {"OSTIARY_SIGNING__KEYS__K1": "ab" * 32, "OSTIARY_ADMIN__TOKEN": f"[{tokens}]"}
    told = tomllib.loads(listing(load(None, environ)))
    assert [token["id"] for token in told["admin"]["token"]] == ["a", "b"]


def test_no_secret_is_in_the_listing(example: Path, canaries: list[str]) -> None:
    configuration = load(example, {})
    told = listing(configuration, origins=True) + repr(configuration) + str(configuration.settings)
    assert "c0ffee" not in told.lower()
    for canary in canaries:
        assert canary not in told
