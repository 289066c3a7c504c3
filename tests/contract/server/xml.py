"""The XML of the S3 face."""

from __future__ import annotations

from xml.sax.saxutils import escape

Element = str
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def element(name: str, inside: str | tuple[Element, ...]) -> Element:
    """An element of text, or of elements; an empty one closes itself."""
    text = escape(inside) if isinstance(inside, str) else "".join(inside)
    return f"<{name}>{text}</{name}>" if text else f"<{name}/>"


def document(name: str, inside: tuple[Element, ...]) -> bytes:
    """A whole document in S3's namespace."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{head}<{name} xmlns="{_NAMESPACE}">{"".join(inside)}</{name}>'.encode()
