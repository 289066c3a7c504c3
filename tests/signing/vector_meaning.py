"""Vectors of meaning: keys, time, seals and grants, in targets of the right form."""

from __future__ import annotations

from plain_os1 import Parts, aes_siv, audience, base64url, edge_key, mac, seal_key, signature
from vector_book import KEYS, PIN, SCOPE, SEAL_KEY, TAG, Book


def tamper(book: Book) -> None:
    good = book.parts()
    sig = good.signature
    book.accept("the rendition may change within the grant", good.but(rendition="w640"))
    changes: dict[str, dict[str, str]] = {
        "another zone": {"scope": SCOPE.replace("clinic", "lab")},
        "another bucket": {"scope": SCOPE.replace("documents", "scans")},
        "another key": {"scope": SCOPE.replace("a.pdf", "b.pdf")},
        "another case": {"scope": SCOPE.replace("a.pdf", "A.pdf")},
        "one segment more": {"scope": SCOPE + "/x"},
        "one segment less": {"scope": "clinic/documents/-/reports/2026"},
        "bucket and key swapped": {"scope": "clinic/reports/-/documents/2026/a.pdf"},
        "pinned instead of live": {"scope": SCOPE.replace("/-/", f"/{PIN}/")},
        "a second longer": {"exp": str(book.now + 901)},
        "another generation": {"gen": "1"},
        "another key name": {"kid": "k1"},
        "an audience added": {"aud": TAG},
        "a one-time name added": {"jti": TAG},
        "download instead of inline": {"grant": "da"},
        "a narrower grant": {"grant": "ip", "rendition": "w640"},
        "an exact grant": {"grant": "ix-secret", "rendition": "secret"},
    }
    for name, change in changes.items():
        book.refuse("signature", name, good.but(**change).signed_with(sig))
    pinned = good.but(scope=SCOPE.replace("/-/", f"/{PIN}/"))
    book.refuse("signature", "live instead of pinned", good.signed_with(pinned.signature))
    other = good.but(scope=SCOPE.replace("a.pdf", "b.pdf"))
    book.refuse("signature", "another link's signature", good.signed_with(other.signature))
    for name, at in (("first", 0), ("middle", 16), ("last", 31)):
        flipped = sig[:at] + ("A" if sig[at] != "A" else "B") + sig[at + 1 :]
        book.refuse("signature", f"the {name} character changed", good.signed_with(flipped))
    book.refuse("token", "a signature cut short", good.signed_with(sig[:-1]))
    book.refuse("token", "no signature", good.signed_with(""))
    book.refuse("path", "a slash at the end", good.target.replace("?", "/?"))


def base64_malleability(book: Book) -> None:
    good = book.parts()
    sig = good.signature
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = alphabet.index(sig[-1])
    for bits in (1, 2, 3):
        near = sig[:-1] + alphabet[at ^ bits]
        book.refuse("signature", f"the last character, {bits} beside", good.signed_with(near))
    for name, tail in {
        "one pad": "=", "two pads": "==", "four pads": "====", "junk": "!!!!",
        "data after pads": "==AAAA", "a newline": "\n", "the next character of the MAC": "A",
        "a raw octet": "\xe9",
    }.items():  # fmt: skip
        book.refuse("token", f"{name} after the signature", good.signed_with(sig + tail))
    standard = next(
        parts for n in range(99) if "-" in (parts := book.parts(f"clinic/b/-/{n}")).signature
    )
    plus = standard.signature.replace("-", "+")
    book.refuse("token", "a plus for a dash", standard.signed_with(plus))
    book.refuse(
        "token", "an escaped character", good.signed_with(sig[:-1] + f"%{ord(sig[-1]):02X}")
    )
    book.refuse("signature", "the other case", good.signed_with(sig.swapcase()))


def expiry(book: Book) -> None:
    for life in (1, 86400, 86400 + 60):
        book.accept(f"{life} s to live", book.parts(life=life), expires_at=book.now + life)
    for life in (0, -1, -86400):
        book.gone("expired", f"{life} s to live", book.parts(life=life), "refuse")
    book.gone("expired", "the first expiry of all", book.parts(exp="1000000000"), "refuse")
    lab = "lab/documents/-/a.pdf"
    book.refuse("too-far", "a second too far", book.parts(life=86400 + 61))
    book.refuse("too-far", "the last expiry of all", book.parts(exp="9999999999"))
    book.accept("the longest life of another zone", book.parts(lab, life=3660))
    book.refuse("too-far", "a second too far in another zone", book.parts(lab, life=3661))
    gone, far = book.parts(life=-1), book.parts(life=10**6)
    book.refuse("signature", "expired and forged", gone.signed_with(book.parts().signature))
    book.refuse("signature", "too far and forged", far.signed_with(book.parts().signature))
    book.refuse("spelling", "expired and misspelt", book.parts("clinic/documents/-/%61", life=-1))
    book.gone("expired", "expired and bound", gone.but(aud=TAG), "refuse")
    book.gone("expired", "expired and not granted", gone.but(grant="ip"), "refuse")


def rotation(book: Book) -> None:
    book.accept("the older key", book.parts(kid="k1"))
    book.accept("the active key", book.parts(kid="k2"))
    retired = Parts(bytes(range(64, 96)), SCOPE, str(book.now + 900), kid="k0")
    book.refuse("kid", "a retired key", retired)
    book.refuse("kid", "a retired name with a living secret", book.parts().but(kid="k0"))
    book.refuse("signature", "a living name with a retired secret", retired.but(kid="k2"))
    book.refuse("signature", "k1's signature under the name k2", book.parts(kid="k1").but(kid="k2"))


def cross_purpose(book: Book) -> None:
    good = book.parts()
    signed, zone, secret = good.signed, "clinic", KEYS["k2"]
    for purpose in ("upload", "admin", "aud", "folder", "seal", ""):
        book.refuse("signature", f"a key for {purpose or 'nothing'}", good.but(purpose=purpose))
    for other in ("lab", "vault", "clinic2"):
        book.refuse("signature", f"a key for the zone {other}", good.but(key_zone=other))
    derived = edge_key(secret, "read", zone)
    keys = {
        "a key for no zone": edge_key(secret, "read", ""),
        "the secret itself": secret,
        "the secret's hex": secret.hex().encode(),
        "the derived key as octets": bytes.fromhex(derived.decode()),
        "the derived key in capitals": derived.upper(),
    }
    for name, key in keys.items():
        book.refuse("signature", name, good.signed_with(signature(key, signed)))
    texts = {
        "the whole target signed": good.signed.replace("/d/", "/d/original/"),
        "only the token signed": good.body,
        "only the address signed": f"/d/{SCOPE}",
        "without the leading slash": signed[1:],
    }
    for name, text in texts.items():
        book.refuse("signature", name, good.signed_with(signature(derived, text)))


def sealed(book: Book) -> None:
    key = seal_key(SEAL_KEY, "vault")

    def box(plain: bytes, *associated: bytes, key: bytes = key) -> str:
        return base64url(aes_siv(key, plain, *associated))

    def vault(text: str, version: str = "-", zone: str = "vault") -> Parts:
        return book.parts(f"{zone}/~/{version}/{text}")

    def broken(name: str, text: str) -> None:
        book.refuse("seal", name, vault(text), edge="accept")

    good = box(b"documents\0reports/a b.pdf")
    facts = {"bucket": "documents", "key": "reports/a b.pdf"}
    book.accept("a live address", vault(good), **facts)
    book.accept("a pinned address", vault(good, PIN), **facts, version=PIN)
    book.accept("with an extension", vault(good + ".pdf"), **facts)
    book.accept("in a zone that issues readable ones", vault(
        box(b"documents\0a.pdf", key=seal_key(SEAL_KEY, "clinic")), zone="clinic"
    ), bucket="documents", key="a.pdf")  # fmt: skip
    accents = box("r\u00f6ntgen\0caf\u00e9/\u75c5.pdf".encode())
    book.accept("in UTF-8", vault(accents), bucket="r\u00f6ntgen", key="caf\u00e9/\u75c5.pdf")
    book.accept("the canary's bucket inside", vault(box(b"~canary\0a")), bucket="~canary", key="a")
    book.accept("two octets inside", vault(box(b"b\0k")), bucket="b", key="k")
    book.accept("a readable link in a zone that seals", book.parts("vault/documents/-/a.pdf"))
    signed = vault(good)
    extended = signed.target.replace("?", ".pdf?")
    book.refuse("signature", "an extension added", extended)
    broken("the key of another zone", box(b"b\0k", key=seal_key(SEAL_KEY, "clinic")))
    broken("an empty associated component", box(b"b\0k", b""))
    broken("one bit turned", ("B" if good[0] != "B" else "C") + good[1:])
    broken("cut short", good[:-4])
    broken("fifteen octets", base64url(bytes(15)))
    broken("sixteen octets", base64url(bytes(16)))
    broken("a length that no base64 has", good + "A" * ((1 - len(good)) % 4))
    spare = box(b"b\0kk")
    assert len(spare) % 4 == 3
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    broken("spare bits set", spare[:-1] + letters[letters.index(spare[-1]) + 1])
    for name, plain in {
        "no NUL": b"documents", "no bucket": b"\0a.pdf", "no key": b"documents\0",
        "two NULs": b"b\0k\0k", "a dot segment": b"b\0a/../b", "a bucket of dots": b"..\0k",
        "a reserved bucket": b"~b\0k", "one like the canary's": b"~canary2\0k",
        "a slash in the bucket": b"a/b\0k",
        "a backslash": b"b\0a\\b", "a control character": b"b\0a\nb", "a leading slash": b"b\0/k",
        "not UTF-8": b"b\0\xff", "a bucket of 101": b"b" * 101 + b"\0k",
        "a key of 1,025": b"b\0" + b"k" * 1025,
    }.items():  # fmt: skip
        broken(f"inside: {name}", box(plain))
    for name, text in {
        "padding": good + "=", "an extension of nine": good + ".pdfpdfpdf",
        "an extension in capitals": good + ".PDF", "two extensions": good + ".tar.gz",
        "an empty extension": good + ".", "one segment more": good + "/a", "nothing sealed": "",
        "an escape": good[:-1] + f"%{ord(good[-1]):02X}",
    }.items():  # fmt: skip
        book.refuse("path", name, vault(text))


def pinned(book: Book) -> None:
    scope = f"clinic/documents/{PIN}/a.pdf"
    book.accept("a rendition of one version", book.parts(scope, rendition="w640"), version=PIN)
    changed = book.parts(scope.replace(PIN, PIN[::-1]))
    book.refuse("signature", "another version", changed.signed_with(book.parts(scope).signature))
    book.accept("a version that begins with a dash", book.parts(scope.replace(PIN, "-" * 22)))


def grants(book: Book) -> None:
    granted = (
        "ia original", "ia w640", "ia thumb", "ia linear", "da p2-w1280-webp", "ip w640",
        "dp thumb", "ip w640-avif", "ix-w640 w640", "ix-linear linear",
        "dx-linear linear", "ix-auto auto", "ix-p1-text p1-text", "ix-p9999-text p9999-text",
        "ix-p0-text p0-text", "ix-p10000-text p10000-text", "ix-p1-w640 p1-w640", "ix-text text",
        "ix-linear2 linear2", "ix-linear-webp linear-webp", "ix-p1-text-webp p1-text-webp",
        "dx-w200-h100-contain-q50-webp w200-h100-contain-q50-webp",
    )  # fmt: skip
    not_granted = (
        "ia w641", "ia w6400", "ia secret", "io w640", "io linear", "do thumb", "ip original",
        "dp original", "ip linear", "ip p1-text", "ip auto", "ip w641", "ix-w640 w160",
        "ix-w640 original", "ix-w640 w640-avif", "dx-w200 w201",
    )  # fmt: skip
    for pair in granted:
        grant, rendition = pair.split()
        book.accept(f"{grant} shows {rendition}", book.parts(grant=grant, rendition=rendition))
    for pair in not_granted:
        grant, rendition = pair.split()
        parts = book.parts(grant=grant, rendition=rendition)
        book.refuse("grant", f"{grant} does not show {rendition}", parts)


def generation(book: Book) -> None:
    book.accept("as known", book.parts(gen="7"), known=7, generation=7)
    book.accept("the last of all", book.parts(gen="9999999999"), known=9999999999)
    book.gone("revoked", "one behind", book.parts(), "accept", known=1)
    book.gone("revoked", "revoked and bound", book.parts(aud=TAG), "pass", known=1)
    ahead = book.parts(gen="8").target
    book.add("one ahead", ahead, origin="403", reason="ahead", edge="accept", known=7)


def companions(book: Book) -> None:
    good = book.parts()
    bound, once = good.but(aud=TAG), good.but(jti=TAG)
    for name, parts in (("bound", bound), ("both", bound.but(jti=TAG))):
        book.refuse("audience", name, parts, edge="pass")
    for name, parts in (("bound", bound), ("one-time", once), ("both", bound.but(jti=TAG))):
        book.refuse("signature", f"{name} and forged", parts.signed_with(good.signature))
    book.refuse("audience", "bound and not granted", bound.but(grant="ip"))
    for name, grant, shown in (
        ("the original once", "io", "original"), ("a download once", "do", "original"),
        ("one rendition once", "ix-w640", "w640"), ("an undeclared one once", "dx-w7", "w7"),
    ):  # fmt: skip
        book.accept(name, once.but(grant=grant, rendition=shown), edge="pass")
    book.refuse("grant", "a family once", once, edge="pass")
    book.refuse("grant", "previews once", once.but(grant="ip", rendition="w640"), edge="pass")
    book.refuse("grant", "once and another rendition", once.but(grant="io", rendition="w640"))
    book.gone("expired", "expired and good once", once.but(exp=str(book.now)), "refuse")
    book.gone("revoked", "revoked and good once", once.but(grant="io"), "pass", known=1)


def audiences(book: Book) -> None:
    """Bound links and who was proved to ask; `viewer` is their id."""
    anna, ben, secret = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "auth0|ben", KEYS["k2"]

    def bound(viewer: str, zone: str = "clinic", kid: str = "k2") -> Parts:
        scope = f"{zone}/documents/-/a.pdf"
        return book.parts(scope, kid=kid).but(aud=audience(KEYS[kid], zone, viewer))

    def refuse(name: str, parts: Parts, viewer: str = anna) -> None:
        expected = {"origin": "403", "reason": "audience", "edge": "pass"}
        book.add(name, parts, **expected, viewer=viewer)

    for viewer in (anna, ben, "1", "~" * 255, "a b"):
        book.accept(f"bound to {viewer[:9]}", bound(viewer), edge="pass", viewer=viewer)
    for zone, kid in (("lab", "k2"), ("vault", "k2"), ("clinic", "k1"), ("clinic", "abcdefg8")):
        parts = bound(anna, zone, kid)
        book.accept(f"bound in {zone} by {kid}", parts, edge="pass", viewer=anna)
    shown = bound(anna).but(grant="ip", rendition="w640")
    book.accept("bound, another rendition", shown, edge="pass", viewer=anna)
    book.accept(
        "bound and good once", bound(anna).but(jti=TAG, grant="io"), edge="pass", viewer=anna
    )
    refuse("another viewer", bound(anna), ben)
    refuse("another case", bound(anna), anna.upper())
    refuse("nobody", bound(anna), "")
    refuse("with a space", bound(anna), f"{anna} ")
    keys = {
        "the name of another zone": edge_key(secret, "aud", "lab"),
        "the name under another key": edge_key(KEYS["k1"], "aud", "clinic"),
        "by the key for reading": edge_key(secret, "read", "clinic"),
        "by the key as octets": bytes.fromhex(edge_key(secret, "aud", "clinic").decode()),
        "by the secret itself": secret,
    }
    for name, key in keys.items():
        refuse(name, bound(anna).but(aud=base64url(mac(key, anna))[:16]))
    mine, theirs = bound(anna), bound(ben)
    book.refuse("signature", "another's audience put in", mine.but(aud=theirs.aud).signed_with(
        mine.signature
    ))  # fmt: skip
    book.refuse(
        "signature", "the audience taken out", mine.but(aud="-").signed_with(mine.signature)
    )


CATEGORIES = [
    tamper,
    base64_malleability,
    expiry,
    rotation,
    cross_purpose,
    sealed,
    pinned,
    grants,
    generation,
    companions,
    audiences,
]
