from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from gateway.telemetry.redaction import HIDDEN, redact, redact_text, redacted

CANARY = "canary"
TOKEN = "1.k1.1790000000.0.-.-.ia.canaryMACcanaryMACcanaryMACcanar"


@pytest.mark.parametrize(
    "text",
    [
        f"GET /d/w640/clinic/documents/-/{CANARY}%20name.pdf?t={TOKEN} HTTP/1.1",
        f"t={TOKEN}",
        f"refused {TOKEN}",
        f"url https://docs.example.org/d/original/clinic/documents/-/{CANARY}.pdf",
        f"https://s3.example.org/x?X-Amz-Signature={CANARY}&a=1",
        f"Authorization: Bearer {CANARY}",
        f"basic {CANARY}",
        "sha256:cafe0ca0a0",
        f"jwt eyJhbGciOi.{CANARY}.x",
        "key " + "cafe" * 16,
    ],
)
def test_no_text_holds_what_opens_a_document(text: str) -> None:
    clean = redact_text(text)
    assert HIDDEN in clean
    assert CANARY not in clean
    assert "cafe" not in clean


@pytest.mark.parametrize("text", ["Started server process [123]", "in 1.5 s, 3 of 4", "d-0123abcd"])
def test_plain_words_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "token", "admin_token", "Authorization", "cookie", "set-cookie", "secret", "shield_secret",
        "password", "signature", "key", "keys", "seal_key", "access_key", "api_key", "path", "url",
        "raw_path", "query", "filename", "document_key", "signing_keys",
    ],
)  # fmt: skip
def test_some_keys_tell_nothing_whatever_they_hold(key: str) -> None:
    assert redact(None, "", {key: CANARY}) == {key: HIDDEN}
    assert redacted([{key: {"deep": CANARY}}]) == [{key: HIDDEN}]


def test_a_value_with_fields_shows_what_it_prints_and_none_of_them() -> None:
    class Named(NamedTuple):
        key: str

        def __repr__(self) -> str:
            return f"<Named t={TOKEN}>"

    assert redacted([Named(CANARY)]) == [f"<Named {HIDDEN}"]


def test_values_are_cleaned_at_any_depth() -> None:
    class Odd:
        def __str__(self) -> str:
            return f"Odd(t={TOKEN})"

    event: dict[str, object] = {
        "event": "x",
        "a": (1, 2.5, None, True, f"t={TOKEN}"),
        "b": {f"/d/{CANARY}": {TOKEN}},
        "c": f"Bearer {CANARY}".encode() + b"\xff",
        "d": Odd(),
    }
    clean = redact(None, "", event)
    assert CANARY not in json.dumps(clean)
    assert clean["a"] == [1, 2.5, None, True, HIDDEN]
