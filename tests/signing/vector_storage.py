"""Vectors of the storage routes: which token opens what there, and that an edge passes them all."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from plain_os1 import StorageParts, signature
from vector_book import BUCKETS, KEYS, TAG, Book

RENDER = "render/image/sign"
NAME = "w200-h100-contain"


def octets(text: str) -> str:
    """One character per octet."""
    return text.encode().decode("latin-1")


def parts(
    book: Book, key: str = "a.pdf", bucket: str = "documents", life: int = 900, **changes: str
) -> StorageParts:
    kid = changes.get("kid", "k2")
    scope = f"{BUCKETS[bucket]}/{bucket}/{octets(key)}"
    plain = StorageParts(KEYS[kid], scope, str(book.now + life), grant="io")
    return plain.but(**changes)


def accept(book: Book, name: str, case: StorageParts, **facts: Any) -> None:
    book.accept(name, case, edge="pass", **facts)


def refuse(book: Book, reason: str, name: str, case: StorageParts | str) -> None:
    book.refuse(reason, name, case, edge="pass")


def storage_accept(book: Book) -> None:
    key = "reports/2026/a.pdf"
    accept(book, "the original", parts(book, key), bucket="documents", key=key)
    for grant in ("do", "ia", "da"):
        accept(book, f"the original under {grant}", parts(book, grant=grant))
    for grant in (f"ix-{NAME}", f"dx-{NAME}", "ix-" + "x" * 64):
        accept(book, f"a rendition under {grant}", parts(book, grant=grant, route=RENDER))
    accept(book, "the older key", parts(book, kid="k1"))
    accept(book, "a bucket of another zone", parts(book, bucket="samples"), bucket="samples")
    accept(book, "a bucket of a zone that seals", parts(book, bucket="letters"))
    accept(book, "as known", parts(book, gen="7"), known=7, generation=7)
    for key in (
        "a b (1)+2.pdf", "caf\u00e9/\u75c5.pdf", "a?b#c%d", "a%2Fb", "x?token=1.k2.1.0.-.-.io",
        "~/-/...", "object/sign/documents/a.pdf", "k" * 1024,
    ):  # fmt: skip
        accept(book, f"the key {key[:32]}", parts(book, key), key=key)
    good = parts(book)
    for tail in ("&download=", "&download=b.pdf", "&cacheNonce=1", "&download=&cacheNonce=1"):
        accept(book, f"followed by {tail}", good.but(tail=tail))
    spelt = "".join(f"%{ord(letter):02x}" for letter in "documents")
    text = good.target.replace("documents", spelt)
    book.add("escaped without need", text, origin="accept", edge="pass", key="a.pdf")


def storage_refuse(book: Book) -> None:
    good = parts(book)
    for name, other in {
        "another key": parts(book, "b.pdf"), "a folder": parts(book, "a.pdf/b"),
        "another bucket": parts(book, bucket="scans"),
        "another zone": parts(book, bucket="samples"),
        "another expiry": parts(book, life=901), "another generation": good.but(gen="1"),
        "another grant": good.but(grant="do"), "another kid": good.but(kid="k1"),
        "another audience": good.but(aud=TAG),
    }.items():  # fmt: skip
        refuse(book, "signature", name, other.signed_with(good.signature))
    nfc, nfd = parts(book, "caf\u00e9"), parts(book, "cafe\u0301")
    refuse(book, "signature", "NFD with the signature of NFC", nfd.signed_with(nfc.signature))
    encoded = parts(book, "a b")
    text = encoded.signed.replace(" ", "%20")
    sig = signature(encoded.key, text)
    refuse(book, "signature", "the path signed as it is spelt", encoded.signed_with(sig))
    sig = signature(good.key, f"/storage/v1/object/sign/documents/a.pdf?token={good.body}")
    refuse(book, "signature", "the target signed", good.signed_with(sig))
    for purpose in ("upload", "admin", "aud", "folder", ""):
        refuse(book, "signature", f"a key for {purpose or 'nothing'}", good.but(purpose=purpose))
    refuse(book, "signature", "a key for the zone lab", good.but(key_zone="lab"))
    refuse(book, "kid", "a retired key", good.but(kid="k0"))
    unknown = good.but(scope="clinic/unknown/a.pdf")
    refuse(book, "zone", "a bucket of no zone", unknown)


def storage_routes(book: Book) -> None:
    for grant in ("ix-w640", "dx-w640", "ip", "dp"):
        refuse(book, "route", f"{grant} on object", parts(book, grant=grant))
    for grant in ("io", "do", "ia", "ip"):
        case = parts(book, grant=grant, route=RENDER)
        refuse(book, "route", f"{grant} on render", case)
    plain, link = parts(book), book.parts("clinic/documents/-/a.pdf", grant="io")
    refuse(book, "signature", "a token of /d/", plain.signed_with(link.signature))
    shown = plain.but(grant="ix-w640", route=RENDER)
    link = link.but(grant="ix-w640", rendition="w640")
    refuse(book, "signature", "a token of /d/ on render", shown.signed_with(link.signature))
    book.refuse("signature", "a token of object on /d/", link.signed_with(plain.signature))
    book.refuse("signature", "a token of render on /d/", link.signed_with(shown.signature))


def storage_tokens(book: Book) -> None:
    good = parts(book)
    for name, changes in {
        "a zero before the generation": {"gen": "01"}, "nine digits of expiry": {"exp": "9" * 9},
        "an unknown grant": {"grant": "iz"}, "a rendition called original":
        {"grant": "ix-original"}, "an empty key name": {"kid": ""}, "no audience": {"aud": ""},
    }.items():  # fmt: skip
        refuse(book, "token", name, good.but(**changes))
    sig = good.signature
    for name, bent in {
        "padding": sig + "=", "cut short": sig[:-1], "one more": sig + "A", "a plus": "+" + sig[1:],
        "an escape": f"%{ord(sig[0]):02X}{sig[1:]}", "nothing": "",
    }.items():  # fmt: skip
        refuse(book, "token", f"a signature with {name}", good.signed_with(bent))
    refuse(book, "token", "of version 2", good.target.replace("=1.", "=2."))
    refuse(book, "token", "empty", good.target.partition("1.k2")[0])
    refuse(book, "signature", "the other case", good.signed_with(sig.swapcase()))


def storage_life(book: Book) -> None:
    for life in (1, 86400 + 60):
        accept(book, f"{life} s to live", parts(book, life=life), expires_at=book.now + life)
    book.gone("expired", "0 s to live", parts(book, life=0), "pass")
    book.gone("expired", "-1 s to live", parts(book, life=-1), "pass")
    refuse(book, "too-far", "a second too far", parts(book, life=86400 + 61))
    samples = parts(book, bucket="samples", life=3661)
    refuse(book, "too-far", "a second too far in another zone", samples)
    refuse(book, "route", "expired and of the other route", parts(book, life=-1, route=RENDER))
    book.gone("revoked", "one behind", parts(book), "pass", known=1)
    ahead = parts(book, gen="8").target
    book.add("one ahead", ahead, origin="403", reason="ahead", edge="pass", known=7)
    refuse(book, "audience", "bound", parts(book, aud=TAG))
    refuse(book, "one-time", "good once", parts(book, jti=TAG))


def storage_spelling(book: Book) -> None:
    for key in (
        "", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\0b", "a\nb", "a\x7fb",
        "k" * 1025, "\u00e9" * 513,
    ):  # fmt: skip
        refuse(book, "spelling", f"the key {quote(key)[:32] or 'of nothing'}", parts(book, key))
    for octet in ("%FF", "%C3", "%C0%AF", "%ED%A0%80"):
        text = parts(book).target.replace("a.pdf", octet)
        refuse(book, "spelling", f"{octet} is not UTF-8", text)


CATEGORIES = [
    storage_accept,
    storage_refuse,
    storage_routes,
    storage_tokens,
    storage_life,
    storage_spelling,
]
