"""Security fields: what every answer says to browsers and robots, errors too."""

from __future__ import annotations

from functools import cache

from gateway.wire.asgi import Field

# No script, no frame, no form; inline style and data images for our own pages only.
CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"  # CSP3 §6.1, §6.3.2
)


@cache
def security_fields(corp: str = "cross-origin", *, pdf: bool = False) -> tuple[Field, ...]:
    """The fields of one answer, ready for ASGI.

    `corp` is Cross-Origin-Resource-Policy (Fetch standard §3.7): `cross-origin` lets pages of
    other sites embed what their links name. A PDF gets no Content-Security-Policy: a sandbox
    blanks it in browsers' own viewers.
    """
    fields = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-robots-tag", b"none"),
        (b"cross-origin-resource-policy", corp.encode()),
    )
    return fields if pdf else (*fields, (b"content-security-policy", CONTENT_SECURITY_POLICY))


SECURITY_FIELDS = security_fields()
