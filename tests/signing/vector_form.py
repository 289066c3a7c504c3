"""Vectors of form: what a target may look like, whoever signed it."""

from __future__ import annotations

from urllib.parse import quote

from vector_book import ESCAPED, LITERAL, PIN, SCOPE, TAG, Book, Parts


def accept(book: Book) -> None:
    book.accept("the original, inline", book.parts(), bucket="documents", key="reports/2026/a.pdf")
    for grant in ("da", "io", "do"):
        book.accept(f"the original under {grant}", book.parts(grant=grant))
    book.accept("a key name of eight characters", book.parts(kid="abcdefg8"))
    book.accept("a zone of 32 characters", book.parts("z" * 32 + "/documents/-/a.pdf"))
    book.accept("a pinned version", book.parts(f"clinic/documents/{PIN}/a.pdf"), version=PIN)
    book.accept("a bucket of 100 octets", book.parts("clinic/" + "b" * 100 + "/-/a.pdf"))
    book.accept("a bucket called -", book.parts("clinic/-/-/-"), bucket="-", key="-")
    book.accept("the canary's bucket", book.parts("clinic/~canary/-/a"), bucket="~canary", key="a")
    book.key("a key of 1,024 octets", "k" * 1024)
    book.key("a key of 512 segments", "/".join("k" * 512))
    book.key("every octet that stands for itself", "az09AZ" + LITERAL)
    book.key("dots that are no dot segment", ".../a../..b/.c/d.")
    book.key("a key that begins with a tilde", "~/~/x")
    book.key("a key that looks like a link", f"d/original/{SCOPE}")
    for char in ESCAPED:
        book.key(f"an escaped {char}", f"a{char}b")
    exact = "x" * 64
    book.accept("a rendition of 64 characters", book.parts(rendition=exact, grant=f"ix-{exact}"))
    fill = 2048 - len(book.parts("clinic/documents/-/").target)
    spelt = "%20" * (fill // 3) + "a" * (fill % 3)
    book.accept("a target of 2,048 octets", book.parts(f"clinic/documents/-/{spelt}"))


def encoding(book: Book) -> None:
    def key(text: str) -> Parts:
        return book.parts(f"clinic/documents/-/a{text}b")

    for text in ("%61", "%7E", "%2D", "%5F", "%2B", "%40", "%3A", "%27", "%2E", "%41"):
        book.refuse("spelling", f"{text} must stand for itself", key(text), edge="accept")
    for text in ("%2F", "%5C", "%00", "%0A", "%1F", "%7F"):
        book.refuse("spelling", f"{text} never stands in a key", key(text), edge="accept")
    malformed = ("%C3", "%C0%AF", "%C0%80", "%ED%A0%80", "%F4%90%80%80", "%FF", "%E2%82", "%A9")
    for text in malformed:
        book.refuse("spelling", f"{text} is not UTF-8", key(text), edge="accept")
    for text in ("%c3%a9", "%C3%a9", "%2f", "%5c", "%zz", "%", "%2", "%%20", "%u0041"):
        book.refuse("path", f"{text} is no upper-case escape", key(text))
    for octet in ' "#<>[]^`{|}\\\0\t\r\n\x7f\x80\xe9\xff':
        book.refuse("path", f"a raw octet {ord(octet):02X}", key(octet))
    book.refuse("path", "raw UTF-8", key("\xc3\xa9"))
    bucket = "clinic/{}/-/a.pdf"
    book.refuse(
        "spelling",
        "an escaped tilde before a bucket",
        book.parts(bucket.format("%7Eb")),
        edge="accept",
    )
    for text in ("~b", "~canar", "~canary2", "~Canary", "~canary~"):
        book.refuse("path", f"a reserved bucket, {text}", book.parts(bucket.format(text)))
    escaped = book.parts(bucket.format("%7Ecanary"))
    book.refuse("spelling", "the canary's bucket with its tilde escaped", escaped, edge="accept")
    long = book.parts(bucket.format("b" * 101))
    book.refuse("spelling", "a bucket of 101 octets", long, edge="accept")
    long = book.parts(bucket.format("%C3%A9" * 51))
    book.refuse("spelling", "a bucket of 102 octets in 51 letters", long, edge="accept")
    long = book.parts("clinic/documents/-/" + "k" * 1025)
    book.refuse("spelling", "a key of 1,025 octets", long, edge="accept")


def unicode(book: Book) -> None:
    words = {
        "NFC": "caf\u00e9", "NFD": "cafe\u0301", "full-width letters": "\uff21\uff22",
        "a full-width slash": "a\uff0fb", "full-width dots": "\uff0e\uff0e",
        "a full-width per cent": "\uff052F", "an emoji": "\U0001f3e5", "Chinese": "\u75c5\u5386",
        "Arabic": "\u062a\u0642\u0631\u064a\u0631", "a right-to-left override": "a\u202efdp.exe",
        "a zero-width joiner": "a\u200db", "a byte order mark": "\ufeffa",
        "a C1 control": "a\u0085b", "a ligature": "\ufb01", "a Kelvin sign": "\u212a",
        "the last code point": "\U0010ffff",
    }  # fmt: skip
    for name, word in words.items():
        book.key(name, word)
    bucket = quote("r\u00f6ntgen")
    book.accept("a bucket", book.parts(f"clinic/{bucket}/-/a.pdf"), bucket="r\u00f6ntgen")
    nfc = book.parts("clinic/documents/-/" + quote("caf\u00e9"))
    nfd = book.parts("clinic/documents/-/" + quote("cafe\u0301"))
    book.refuse("signature", "NFD with the signature of NFC", nfd.signed_with(nfc.signature))
    book.refuse("signature", "NFC with the signature of NFD", nfc.signed_with(nfd.signature))
    wide = book.parts("clinic/documents/-/" + quote("\uff41"))
    narrow = book.parts("clinic/documents/-/a")
    book.refuse("signature", "a narrow letter for a wide one", narrow.signed_with(wide.signature))


def parameters(book: Book) -> None:
    target = book.parts().target
    path, query = target.split("?")
    token = query[2:]
    for name, tail in {
        "no query": "", "an empty query": "?", "another name": f"?T={token}",
        "no name": f"?{token}", "a longer name": f"?tt={token}", "an array": f"?t[]={token}",
        "an escaped name": f"?%74={token}", "an escaped equals sign": f"?t%3D{token}",
        "a parameter before": f"?a=1&{query}", "an ampersand before": f"?&{query}",
        "a space before": f"? {query}", "a second mark": f"??{query}",
    }.items():  # fmt: skip
        book.refuse("query", name, path + tail)
    for name, tail in {
        "no value": "?t=", "the parameter twice": f"?{query}&{query}",
        "another value first": f"?t=x&{query}", "a parameter after": f"?{query}&utm=1",
        "an ampersand after": f"?{query}&", "a semicolon": f"?{query};a",
        "a second query": f"?{query}?{query}", "a fragment": f"?{query}#x",
        "a newline after": f"?{query}\n", "a space after": f"?{query} ",
        "a second equals sign": f"?t={query}", "a plus after": f"?{query}+",
        "an escape in the token": "?" + query.replace("1.", "%31.", 1),
        "a slash after": f"?{query}/",
    }.items():  # fmt: skip
        book.refuse("token", name, path + tail)
    book.refuse("query", "the token in the path", f"{path}/{token}")


def token(book: Book) -> None:
    bent: dict[str, dict[str, str]] = {
        "a key name in capitals": {"kid": "K2"}, "a key name of nine": {"kid": "k23456789"},
        "an empty key name": {"kid": ""}, "nine digits of expiry": {"exp": "999999999"},
        "eleven digits of expiry": {"exp": "18000009000"},
        "a zero before the expiry": {"exp": "0800000900"}, "a signed expiry": {"exp": "+800000900"},
        "a hex expiry": {"exp": "0x6b49d200"}, "Arabic digits": {"exp": "\xd9\xa1800000900"},
        "an empty expiry": {"exp": ""}, "a zero before the generation": {"gen": "01"},
        "a negative generation": {"gen": "-1"},
        "eleven digits of generation": {"gen": "10000000000"}, "an empty generation": {"gen": ""},
        "an audience of 15": {"aud": TAG[1:]}, "an audience of 17": {"aud": TAG + "x"},
        "an empty audience": {"aud": ""}, "an audience with a plus": {"aud": "+" + TAG[1:]},
        "a one-time name of 15": {"jti": TAG[1:]}, "two dashes": {"jti": "--"},
        "an unknown grant": {"grant": "iz"}, "no family": {"grant": "i"},
        "no disposition": {"grant": "a"}, "a grant in capitals": {"grant": "IA"},
        "two families": {"grant": "iao"}, "an exact grant of nothing": {"grant": "ix-"},
        "an exact grant of the original": {"grant": "ix-original"},
        "an exact grant in capitals": {"grant": "ix-W640"},
        "an exact grant of 65": {"grant": "ix-" + "x" * 65},
        "an exact grant without dash": {"grant": "ixw640"},
    }  # fmt: skip
    good = book.parts()
    for name, change in bent.items():
        book.refuse("token", name, good.but(**change))
    whole = good.target
    for name, version in (("version 0", "0."), ("version 2", "2."), ("version 01", "01.")):
        book.refuse("token", name, whole.replace("?t=1.", f"?t={version}"))
    book.refuse("token", "a field less", whole.replace(".-.-.", ".-."))
    book.refuse("token", "a field more", whole.replace(".-.-.", ".-.-.-."))
    name = "an exact grant that begins like the original"
    book.accept(name, good.but(grant="ix-original2", rendition="original2"))


def path(book: Book) -> None:
    good = book.parts()
    whole = good.target
    for name, text in {
        "a capital D": whole.replace("/d/", "/D/"), "no leading slash": whole[1:],
        "two slashes": "/" + whole, "a folder before": "/x" + whole,
        "absolute form": "http://clinic.example" + whole,
        "no rendition": whole.replace("original/", ""),
        "an empty rendition": whole.replace("original", ""),
        "a rendition in capitals": whole.replace("original", "Original"),
        "the root": "/d/?t=" + whole[-60:],
        "a rendition that begins with a dash": whole.replace("original", "-w640"),
        "a rendition of 65": whole.replace("original", "x" * 65),
        "a newline": whole.replace("?", "\n?"),
        "an escaped rendition": whole.replace("original", "%6Friginal"),
    }.items():  # fmt: skip
        reason = "token" if name == "the root" else "path"
        book.refuse(reason, name, text)
    for name, scope in {
        "a zone in capitals": "Clinic/documents/-/a", "a zone of 33": "z" * 33 + "/documents/-/a",
        "an empty zone": "/documents/-/a", "a zone that begins with a dash": "-c/documents/-/a",
        "a version of 21": f"clinic/documents/{PIN[1:]}/a",
        "a version of 23": f"clinic/documents/{PIN}x/a", "an empty version": "clinic/documents//a",
        "no version": "clinic/documents/a", "no key": "clinic/documents/-",
        "a version outside base64url": f"clinic/documents/+{PIN[1:]}/a",
    }.items():  # fmt: skip
        book.refuse("path", name, book.parts(scope))
    book.refuse("zone", "an unknown zone", book.parts("nowhere/documents/-/a.pdf"))


def dot_segments(book: Book) -> None:
    for name, key in {
        "one dot": ".", "two dots": "..", "dots first": "../a", "dots last": "a/..",
        "dots between": "a/../b", "a dot between": "a/./b", "one escaped": "%2E",
        "two escaped": "a/%2E%2E/b", "half escaped": ".%2E/a", "the other half escaped": "a/%2E.",
        "an empty key": "", "an empty segment": "a//b", "a leading slash": "/a",
        "a trailing slash": "a/",
    }.items():  # fmt: skip
        book.refuse("path", f"{name} in the key", book.parts(f"clinic/documents/-/{key}"))
    for bucket in (".", "..", "%2E%2E", ""):
        name = f"the bucket {bucket}" if bucket else "an empty bucket"
        book.refuse("path", name, book.parts(f"clinic/{bucket}/-/a.pdf"))
    for key in ("..;/a", "...", ". ./a", "..a/b"):
        book.key(f"{key} is no dot segment", key)


def double_encoding(book: Book) -> None:
    for key in ("a%2Fb", "%2E%2E/a", "a%252Fb", "%00", "%25"):
        book.key(f"a key whose text is {key}", key)
    once = book.parts("clinic/documents/-/a%20b")
    twice = book.parts("clinic/documents/-/a%2520b")
    book.refuse("signature", "escaped again on the way", twice.signed_with(once.signature))
    book.refuse("signature", "unescaped on the way", once.signed_with(twice.signature))
    book.refuse("path", "unescaped to a raw space", once.target.replace("%20", " "))
    book.refuse("signature", "a plus for a space", once.target.replace("%20", "+"))


def too_long(book: Book) -> None:
    for length in (2049, 5000):
        room = length - len(book.parts("clinic/documents/-/").target)
        spelt = "%20" * (room // 3) + "a" * (room % 3)
        parts = book.parts(f"clinic/documents/-/{spelt}")
        book.refuse("length", f"a target of {length} octets", parts)
    book.refuse("length", "a query of 3,000 octets", "/d/original/x?" + "a" * 3000)


CATEGORIES = [
    accept,
    encoding,
    unicode,
    parameters,
    token,
    path,
    dot_segments,
    double_encoding,
    too_long,
]
