"""Vectors of folder links: what one token opens, and that an edge passes them all."""

from __future__ import annotations

from typing import Any

from plain_os1 import FolderParts, aes_siv, base64url, edge_key, seal_key, signature
from vector_book import KEYS, PIN, SCOPE, SEAL_KEY, TAG, Book


def parts(book: Book, scope: str = SCOPE, life: int = 900, **changes: str) -> FolderParts:
    kid = changes.get("kid", "k2")
    return FolderParts(KEYS[kid], scope, str(book.now + life)).but(**changes)


def accept(book: Book, name: str, case: FolderParts, **facts: Any) -> None:
    book.accept(name, case, edge="pass", **facts)


def refuse(book: Book, reason: str, name: str, case: FolderParts | str) -> None:
    book.refuse(reason, name, case, edge="pass")


def folder_accept(book: Book) -> None:
    accept(book, "two below", parts(book), bucket="documents", key="reports/2026/a.pdf")
    accept(book, "one below", parts(book, n="5"), key="reports/2026/a.pdf")
    root = "clinic/documents/-/reports/"
    deep = root + "/".join("abcdefghij" * 10)
    for name, scope, n, key in (
        ("a name of one letter", root + "a", "4", "reports/a"),
        ("a key of 101 segments", deep, "99", ""),
        ("dots in names", root + "...%20", "4", "reports/... "),
        ("a folder in UTF-8", "clinic/documents/-/caf%C3%A9/a", "4", "caf\u00e9/a"),
        ("an escaped folder", "clinic/documents/-/a%20b/c", "4", "a b/c"),
        ("a folder called -", "clinic/documents/-/-/-", "4", "-/-"),
        ("a folder called ~", "clinic/documents/-/~/-", "4", "~/-"),
    ):  # fmt: skip
        accept(book, name, parts(book, scope, n=n), **({"key": key} if key else {}))
    accept(book, "another document", parts(book).but(scope=SCOPE.replace("a.pdf", "b.pdf")))
    accept(book, "another rendition", parts(book, rendition="w640"))
    accept(book, "the older key", parts(book, kid="k1"))
    for grant, shown in (("ip", "w640"), ("do", "original"), ("ix-w7-h9-contain",) * 2):
        shown = shown.removeprefix("ix-")
        accept(book, f"{shown} under {grant}", parts(book, grant=grant, rendition=shown))
    accept(book, "as known", parts(book, gen="7"), known=7, generation=7)
    good = parts(book)
    text = good.but(scope="clinic/documents/-/reports/x/y/z").signed_with(good.signature)
    book.add("one signature for all below", text, origin="accept", edge="pass")


def folder_boundaries(book: Book) -> None:
    """Whole segments: nothing beside the folder, and not the folder itself."""
    good, five = parts(book), parts(book, n="5")
    sig = good.signature
    for name, scope in {
        "another folder": "clinic/documents/-/letters/a.pdf",
        "a folder that begins so": "clinic/documents/-/reports2/a.pdf",
        "a folder that it begins": "clinic/documents/-/report/a.pdf",
        "another case": "clinic/documents/-/Reports/a.pdf",
        "an escaped letter": "clinic/documents/-/%72eports/a.pdf",
        "another bucket": "clinic/scans/-/reports/a.pdf",
        "another zone": "lab/documents/-/reports/a.pdf",
        "the folder further down": "clinic/documents/-/x/reports/a.pdf",
        "an escaped slash": "clinic/documents/-/reports%2Fa/b",
    }.items():
        refuse(book, "signature", name, good.but(scope=scope).signed_with(sig))
    for scope in ("reports", "reports%2Fa.pdf", "a.pdf"):
        whole = f"clinic/documents/-/{scope}"
        refuse(book, "folder", f"nothing below {scope}", parts(book, whole))
    refuse(book, "folder", "the folder of five", five.but(scope="clinic/documents/-/reports/2026"))
    refuse(book, "signature", "four for five", good.signed_with(five.signature))
    refuse(book, "signature", "five for four", five.signed_with(good.signature))
    beside = "clinic/documents/-/reports/2025/a.pdf"
    refuse(book, "signature", "beside five", five.but(scope=beside).signed_with(five.signature))
    for name, scope in {
        "an empty name": "clinic/documents/-/reports/", "an empty segment": "reports//a",
        "a dot": "reports/./a", "two dots": "reports/../letters/a",
        "an escaped dot": "reports/%2E%2E/letters/a", "half of it": "reports/.%2E/letters/a",
    }.items():  # fmt: skip
        path = scope if "-/" in scope else f"clinic/documents/-/{scope}"
        refuse(book, "path", name, good.but(scope=path).signed_with(sig))
    for octet in ("%2F", "%5C", "%00", "%0A", "%2e", "%FF", "%61"):
        path = f"clinic/documents/-/reports/a{octet}b"
        reason = "path" if octet == "%2e" else "spelling"
        refuse(book, reason, f"{octet} in a name", good.but(scope=path).signed_with(sig))


def folder_forms(book: Book) -> None:
    """Readable and live, with a count of four to ninety-nine."""
    for n in ("0", "3", "04", "100", "4a", "+4", ""):
        body = parts(book).body.replace("1f4.", f"1f{n}.")
        sig = signature(parts(book).key, f"/d/clinic/documents/-/reports/?t={body}")
        edge = "pass" if n[:1].isdigit() else "refuse"
        book.refuse("token", f"a count {n or 'of nothing'}", target(body, sig), edge)
    pinned = parts(book, SCOPE.replace("/-/", f"/{PIN}/"))
    refuse(book, "folder", "pinned", pinned)
    box = aes_siv(seal_key(SEAL_KEY, "vault"), b"documents\0reports/a.pdf")
    refuse(book, "folder", "sealed", parts(book, f"vault/~/-/{base64url(box)}"))
    refuse(book, "sealed", "readable where addresses are sealed", parts(book, "vault/d/-/a/b"))
    refuse(book, "token", "good once", parts(book, jti=TAG))
    refuse(book, "audience", "bound", parts(book, aud=TAG))
    good = parts(book)
    refuse(book, "token", "one parameter more", good.target + "&a=b")
    refuse(book, "token", "padding", good.signed_with(good.signature + "="))
    book.refuse("query", "a parameter before", good.target.replace("?t=", "?a=b&t="))


def folder_keys(book: Book) -> None:
    good = parts(book)
    for purpose in ("read", "upload", "admin", "aud", "claim", ""):
        refuse(book, "signature", f"a key for {purpose or 'nothing'}", good.but(purpose=purpose))
    for zone in ("lab", "vault", "clinic2"):
        refuse(book, "signature", f"a key for the zone {zone}", good.but(key_zone=zone))
    refuse(book, "kid", "a retired key", good.but(kid="k0"))
    refuse(book, "zone", "a zone of nobody", good.but(scope="other/documents/-/reports/a"))
    for name, changes in {
        "a second longer": {"exp": str(book.now + 901)}, "another generation": {"gen": "1"},
        "another kid": {"kid": "k1"}, "an audience added": {"aud": TAG},
        "another grant": {"grant": "da"},
    }.items():  # fmt: skip
        refuse(book, "signature", name, good.but(**changes).signed_with(good.signature))
    key = edge_key(KEYS["k2"], "folder", "clinic")
    for name, text in {
        "without the slash": good.signed.replace("/?", "?"),
        "the whole scope signed": f"/d/{SCOPE}?t={good.body}",
        "the rendition signed": good.signed.replace("/d/", "/d/original/"),
    }.items():
        refuse(book, "signature", name, good.signed_with(signature(key, text)))
    link = book.parts()
    refuse(book, "signature", "the signature of a link", good.signed_with(link.signature))
    book.refuse("signature", "its signature on a link", link.signed_with(good.signature))


def folder_life(book: Book) -> None:
    for life in (1, 86400 + 60):
        accept(book, f"{life} s to live", parts(book, life=life), expires_at=book.now + life)
    for life in (0, -1):
        book.gone("expired", f"{life} s to live", parts(book, life=life), "pass")
    refuse(book, "too-far", "a second too far", parts(book, life=86400 + 61))
    book.gone("revoked", "one behind", parts(book), "pass", known=1)
    ahead = parts(book, gen="8").target
    book.add("one ahead", ahead, origin="403", reason="ahead", edge="pass", known=7)
    for pair in ("ip original", "io w640", "ia w641", "ip auto", "ix-w640 w160"):
        grant, shown = pair.split()
        case = parts(book, grant=grant, rendition=shown)
        refuse(book, "grant", f"{grant} does not show {shown}", case)


def target(body: str, sig: str) -> str:
    return f"/d/original/{SCOPE}?t={body}.{sig}"


CATEGORIES = [folder_accept, folder_boundaries, folder_forms, folder_keys, folder_life]
