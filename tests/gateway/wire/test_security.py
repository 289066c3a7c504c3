from __future__ import annotations

from gateway.wire.security import SECURITY_FIELDS, security_fields


def test_every_answer_is_sandboxed_unsniffable_unindexed_and_sends_no_referrer() -> None:
    assert dict(SECURITY_FIELDS) == {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"x-robots-tag": b"none",
        b"cross-origin-resource-policy": b"cross-origin",
        b"content-security-policy": (
            b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
        ),
    }


def test_a_pdf_has_all_but_the_sandbox_that_would_blank_it() -> None:
    fields = dict(security_fields(pdf=True))
    assert b"content-security-policy" not in fields
    assert fields.items() < dict(SECURITY_FIELDS).items()
    assert len(fields) == len(SECURITY_FIELDS) - 1


def test_the_resource_policy_is_a_setting() -> None:
    assert dict(security_fields("same-site"))[b"cross-origin-resource-policy"] == b"same-site"
