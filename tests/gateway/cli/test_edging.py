"""`ostiary edge render` prints what an edge runs, and says that it holds keys."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from gateway.edges import KINDS

KEY = "5a" * 32
DERIVED = hmac.digest(bytes.fromhex(KEY), b"ostiary:read:clinic", "sha256").hex()
CALL = ("--zone", "clinic", "--backend", "gateway:8080")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_printed(shell: Any, kind: str) -> None:
    text = shell.run(f"edge render {kind}", *CALL).stdout
    assert "clinic" in text
    assert KEY not in text, "no edge gets the secret itself"


@pytest.mark.parametrize("kind", ["varnish", "njs"])
def test_what_holds_keys_says_so_beside_it(shell: Any, kind: str) -> None:
    result = shell.run(f"edge render {kind}", *CALL)
    assert DERIVED in result.stdout
    assert "holds keys" in result.stderr
    assert DERIVED not in result.stderr


def test_what_holds_none_does_not(shell: Any) -> None:
    result = shell.run("edge render nginx", *CALL)
    assert DERIVED not in result.output
    assert result.stderr == ""
    assert "server gateway:8080;" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--zone", "clinc", "--backend", "gateway:8080"), "did you mean clinic"),
        (("--zone", "clinic", "--backend", "gateway"), "HOST:PORT"),
        (("--zone", "clinic"), "--backend"),
        (("--backend", "gateway:8080"), "--zone"),
    ],
)
def test_what_can_not_be_understood_is_told(
    shell: Any, arguments: tuple[str, ...], said: str
) -> None:
    assert said in shell.says("edge render varnish", *arguments, status=2)


def test_an_unknown_kind_is_told_the_known_ones(shell: Any) -> None:
    assert "varnish" in shell.says("edge render squid", *CALL, status=2)


def test_a_zone_with_too_many_names_for_an_edge_is_told_what_to_do(shell: Any) -> None:
    presets = "".join(
        f'preset_of_many_in_this_test_{number} = "w320-webp"\n' for number in range(200)
    )
    shell.config.write_text(f"{shell.config.read_text()}\n[renditions.presets]\n{presets}")
    said = shell.says("edge render cloudfront", *CALL, status=1)
    assert "the function would have" in said
    assert "fewer presets" in said
    assert shell.run("edge render varnish", *CALL).stdout
