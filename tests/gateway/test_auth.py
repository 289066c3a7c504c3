"""Operators: known by their token alone, and held to its scopes and zones."""

from __future__ import annotations

from hashlib import sha256

import pytest

from gateway.auth import Authenticator, Operator
from gateway.errors import NotAuthorised
from gateway.settings import SCOPES, Admin


def hashed(token: str) -> str:
    return "sha256:" + sha256(token.encode()).hexdigest()


@pytest.fixture
def authenticator() -> Authenticator:
    admin = {
        "tokens": [hashed("master"), hashed("träger").upper().replace("SHA256", "sha256")],
        "token": [
            {"id": "desk", "hash": hashed("desk-token"), "scopes": ["links"], "zones": ["clinic"]},
            {"id": "ops", "hash": hashed("ops-token"), "scopes": ["purge", "metrics"]},
        ],
    }
    return Authenticator(Admin.model_validate(admin))


def test_a_token_of_the_list_has_every_scope_and_an_id_from_its_hash(
    authenticator: Authenticator,
) -> None:
    operator = authenticator.operator("Bearer master")
    assert operator == Operator(f"token-{sha256(b'master').hexdigest()[:6]}", SCOPES)
    for scope in SCOPES:
        operator.need(scope)
        operator.need(scope, "any-zone")


@pytest.mark.parametrize(
    "field",
    [b"Bearer desk-token", "Bearer desk-token", "bearer desk-token", "BEARER   desk-token "],
)
def test_a_narrower_token_is_known_by_its_id(
    authenticator: Authenticator, field: bytes | str
) -> None:
    operator = authenticator.operator(field)
    assert operator == Operator("desk", frozenset({"links"}), frozenset({"clinic"}))


def test_a_token_beyond_ascii_is_its_utf8_octets(authenticator: Authenticator) -> None:
    assert authenticator.operator("Bearer träger".encode()).scopes == SCOPES


@pytest.mark.parametrize(
    "field",
    [
        None,
        "",
        b"",
        "Bearer",
        "Bearer ",
        "master",
        "Basic master",
        "Bearer Master",
        "Bearer maste",
        "Bearer master2",
        "Bearer master master",
        "Bearer " + hashed("master"),
        "Bearer \udcff",
        b"Bearer \xff\xfe",
        b"Bearer\x00master",
    ],
)
def test_anything_else_is_nobody(authenticator: Authenticator, field: bytes | str | None) -> None:
    with pytest.raises(NotAuthorised) as caught:
        authenticator.operator(field)
    assert not caught.value.known
    assert "master" not in str(caught.value)


def test_without_tokens_nobody_is_an_operator() -> None:
    with pytest.raises(NotAuthorised):
        Authenticator(Admin()).operator("Bearer master")


@pytest.mark.parametrize(("scope", "zone"), [("links", "ward"), ("links", None), ("purge", None)])
def test_a_token_reaches_no_further_than_its_scopes_and_zones(
    authenticator: Authenticator, scope: str, zone: str | None
) -> None:
    operator = authenticator.operator("Bearer desk-token")
    operator.need("links", "clinic")
    with pytest.raises(NotAuthorised) as caught:
        operator.need(scope, zone)
    assert caught.value.known


def test_a_token_without_zones_reaches_all_of_them(authenticator: Authenticator) -> None:
    operator = authenticator.operator("Bearer ops-token")
    operator.need("purge")
    operator.need("purge", "clinic")
    with pytest.raises(NotAuthorised):
        operator.need("links", "clinic")


def test_the_scope_alone_can_be_asked_for_before_the_zones(authenticator: Authenticator) -> None:
    operator = authenticator.operator("Bearer desk-token")
    operator.need_scope("links")
    with pytest.raises(NotAuthorised) as caught:
        operator.need_scope("revoke")
    assert caught.value.known
