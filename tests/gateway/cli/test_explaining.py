"""`ostiary explain`: what it tells of good links, dead ones, and ones that came to harm."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

FOREIGN = "7b" * 32


def issued(now: int, *, kid: str = "k1", key: str = "5a" * 32, zone: str = "clinic") -> str:
    ring = KeyRing([Key(kid, bytes.fromhex(key))], kid)
    signer = Signer(ring, [SignedZone(zone, 900, 86_400)])
    request = LinkRequest(zone, "documents", "a b.txt", Grant.parse("ia"), expires_in=900)
    return signer.issue(request, now).target


def test_a_good_link_is_told_in_full(shell: Any) -> None:
    told = shell.json("explain", shell.sign("reports/März.pdf"))
    assert told["verdict"].startswith("good: ")
    assert told["document"] == "documents/reports/März.pdf"
    assert told["key"] == "k1 (active)"
    assert told["grant"] == "ia: inline, the original and every declared rendition"
    assert told["revoked"].startswith("no: ")
    assert told["policy"] == "Shared"
    assert told["id"] in told["tags"].split()
    assert any(field.startswith("cdn-cache-control: ") for field in told["field"])
    assert any("the query out of its key" in reason for reason in told["a miss when"])


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ('provider = "null"', "cache-tag: "),
        ('provider = "supabase"\nurl = "http://ref.test"\nsecret = "s"', "cdn-cache-control: "),
        ('provider = "vercel"\nid = "p"\nsecret = "s"', "vercel-cache-tag: "),
    ],
)
def test_a_cdn_is_told_of_in_its_own_fields(shell: Any, table: str, field: str) -> None:
    told = shell.add(f"[cdn.edge]\n{table}\n").json("explain", shell.sign())
    assert any(line.startswith(field) for line in told["field"])


def test_text_has_the_same_facts_as_json(shell: Any) -> None:
    url = shell.sign()
    told, text = shell.json("explain", url), shell.says("explain", url)
    assert all(name in text for name in told if told[name])
    assert told["tags"] in text


def test_a_link_is_the_same_with_its_host_and_without(shell: Any) -> None:
    url = shell.sign()
    whole, path = (shell.json("explain", text) for text in (url, url[url.index("/d/") :]))
    assert whole["link"] == path["link"]


def test_an_expired_link_is_explained(shell: Any) -> None:
    told = shell.json("explain", issued(1_700_000_000))
    assert told["verdict"].startswith("expired: it was good until 2023-11-")
    assert "EXPIRED" in told["life"]
    assert told["policy"] == "NoStore"
    assert any("no more than 30 s are left" in reason for reason in told["a miss when"])


def test_a_revoked_link_is_explained(shell: Any) -> None:
    url = shell.sign()
    shell.run("revoke", "--document", "clinic/documents/a.txt")
    told = shell.json("explain", url)
    assert told["verdict"].startswith("revoked: ")
    assert told["revoked"] == "YES: has generation 0, the document is at 1"


def test_a_link_of_a_revoked_key_is_explained(shell: Any) -> None:
    url = shell.sign()
    shell.rotate()
    shell.run("revoke", "--key", "k1")
    told = shell.json("explain", url)
    assert told["verdict"].startswith("revoked: its key k1 was revoked at 20")
    assert told["verdict"].endswith(", 403 link.refused")
    assert told["revoked"].startswith("YES: the key k1 was, at 20")
    assert shell.json("explain", shell.sign())["verdict"].startswith("good: ")


def test_a_link_from_another_state_is_explained(shell: Any) -> None:
    shell.sign()
    shell.run("revoke", "--zone", "clinic")
    url = shell.sign()
    (shell.folder / "data" / "ostiary.db").unlink()
    shell.sign()
    assert "issued on another state, 403" in shell.json("explain", url)["verdict"]


def test_a_link_that_lives_too_long_for_its_zone_is_refused_yet_explained(shell: Any) -> None:
    url = shell.sign("a.txt", "--expires-in", "86400")
    shell.configure(longest_life=900)
    told = shell.json("explain", url)
    assert "(too-far), 403" in told["verdict"]
    assert told["zone"] == "clinic, cache mode private"


@pytest.mark.parametrize(
    ("damage", "happened"),
    [
        (unquote, "its path was decoded, or encoded otherwise"),
        (lambda url: url.replace("%20", "+"), "spaces of its path became +"),
        (lambda url: url.replace("%", "%25"), "its path was encoded twice"),
        (lambda url: url.replace("?t=", "?t%3D"), "its query was percent-encoded"),
        (lambda url: f"{url}&utm_source=mail", "parameters were added to its query"),
        (lambda url: f"{url}).", "signs of the text around it were copied along"),
        (lambda url: url.replace("/d/", "/files/d/"), "a prefix was put before its path"),
        (lambda url: url.replace("/clinic/", "//clinic/"), "slashes were doubled"),
        (
            lambda url: url.replace("%C3%A4", "a%CC%88"),
            "its name was brought into Unicode's form NFD",
        ),
        (
            lambda url: f"{unquote(url)}&utm_source=mail",
            "parameters were added to its query; its path was decoded",
        ),
    ],
)
def test_what_happened_to_a_link_is_found_and_undone(
    shell: Any, damage: Any, happened: str
) -> None:
    told = shell.json("explain", damage(shell.sign("a März.txt")), status=1)
    assert told["verdict"].startswith("refused: ")
    assert told["happened"].startswith(happened)
    assert told["document"] == "documents/a März.txt"


def test_a_name_composed_on_its_way_is_found(shell: Any) -> None:
    url = shell.sign("a Ma\u0308rz.txt").replace("a%CC%88", "%C3%A4")
    assert "form NFC" in shell.json("explain", url, status=1)["happened"]


@pytest.mark.parametrize(
    ("damage", "look"),
    [
        (lambda url: "https://example.org", "links of a gateway begin with /d/"),
        (lambda url: url.split("?")[0], "there is no query"),
        (lambda url: url[:-5], "its signature has 27 of 32 characters"),
        (lambda url: url[:-50], "its token is cut off: "),
        (lambda url: url.replace("?t=1.", "?t=2."), "its token is not of version 1"),
        (lambda url: url.replace("/d/original/", "/d/Original/"), "after /d/ come rendition"),
        (lambda url: url.replace(".ia.", ".da."), "it says of itself: key k1, until "),
        (lambda url: "\udcff", "links of a gateway begin with /d/"),
    ],
)
def test_what_can_not_be_undone_is_told_as_it_looks(shell: Any, damage: Any, look: str) -> None:
    told = shell.json("explain", damage(shell.sign()), status=1)
    assert told["verdict"].startswith("refused: ")
    assert any(line.startswith(look) for line in told["look"])
    assert "document" not in told


def test_links_of_others_are_told_apart(shell: Any) -> None:
    told = shell.json("explain", issued(1_700_000_000, kid="k7"), status=1)
    assert told["happened"] == "it was signed by k7, the keys here are: k1"
    told = shell.json("explain", issued(1_700_000_000, zone="clinics"), status=1)
    assert told["happened"] == "it is of zone clinics; here: did you mean clinic?"
    told = shell.json("explain", issued(1_700_000_000, zone="qq"), status=1)
    assert told["happened"] == "it is of zone qq; here: clinic"
    told = shell.json("explain", issued(1_700_000_000, key=FOREIGN), status=1)
    assert told["happened"].endswith("or another key of the same id signed it")


def test_sealed_and_pinned_links_say_so(shell: Any) -> None:
    seal = f'[signing]\nkeys = {{ k1 = "{"5a" * 32}" }}\nseal_key = "{"6b" * 64}"\n'
    shell.configure(sealed=True)
    text = shell.config.read_text()
    shell.config.write_text(text.replace(f'[signing]\nkeys = {{ k1 = "{"5a" * 32}" }}\n', seal))
    told = shell.json("explain", shell.sign("a.txt", "--pinned"))
    assert told["address"].startswith("sealed")
    assert told["version"].startswith("pinned to ")
    assert told["document"] == "documents/a.txt"


@pytest.mark.parametrize(
    ("grant", "rendition", "said", "verdict"),
    [
        ("all", "w640", "w640: format by Accept", "good"),
        ("all", "w640-webp", "w640-webp: granted", "good"),
        ("previews", "original", "original: NOT granted, 403", "refused"),
        ("original", "w640", "w640: NOT granted or not declared, 403", "refused"),
        ("all", "w641x", "w641x: NOT made here, 403, the nearest is w640", "refused"),
        ("all", "linear", "linear: granted", "good"),
        ("previews", "p1-text", "p1-text: NOT granted or not declared, 403", "refused"),
        ("all", "auto", "auto: granted", "good"),
        ("previews", "auto", "auto: NOT granted or not declared, 403", "refused"),
        ("exact", "auto", "auto: granted", "good"),
        ("exact", "w500", "w500: format by Accept", "good"),
    ],
)
def test_a_rendition_is_told_as_it_would_be_answered(
    shell: Any, grant: str, rendition: str, said: str, verdict: str
) -> None:
    url = shell.sign("a.png", "--grant", f"x-{rendition}" if grant == "exact" else grant)
    parts = url.split("/")
    told = shell.json("explain", "/".join([*parts[:4], rendition, *parts[5:]]))
    assert told["rendition"].startswith(said)
    assert told["verdict"].startswith(verdict)


@pytest.mark.parametrize(
    ("zone", "policy", "why"),
    [
        ({"cache": "private"}, "Private", "the zone is private"),
        ({"cache": "revalidate"}, "Revalidate", "the zone revalidates"),
        ({"cache": "windowed"}, "Private", "the format follows Accept"),
    ],
)
def test_why_a_cache_misses_is_told(
    shell: Any, zone: dict[str, str], policy: str, why: str
) -> None:
    shell.configure(**zone)
    rendition = ("--rendition", "w640") if zone["cache"] == "windowed" else ()
    told = shell.json("explain", shell.sign("a.png", *rendition))
    assert told["policy"] == policy
    assert any(why in reason for reason in told["a miss when"])


EDGE = """
[cdn.edge]
provider = "varnish"
url = "http://v.test"
secret = "s"
shield = ["0123456789abcdef0123456789abcdef"]
"""


@pytest.mark.parametrize(
    ("document", "words", "told"),
    [
        ("a.png", (), "one copy for all good links of its kind, for 600 s"),
        ("a.png", ("--rendition", "w640"), "one copy for all good links of its kind, for 600 s"),
        ("a.png", ("--pinned",), "one copy for all good links of its kind, for a year at most"),
        ("a.png", ("--grant", "x-w640"), "passed on, and kept nowhere"),
        ("reports", ("--folder",), "passed on, and kept nowhere"),
        ("a.png", ("--one-time", "--grant", "original"), "passed on, and kept nowhere"),
    ],
)
def test_what_an_edge_that_verifies_does_with_a_link_is_told(
    shell: Any, document: str, words: tuple[str, ...], told: str
) -> None:
    shell.configure(cache="edge", public_url="https://docs.example.org", ttl=600).add(EDGE)
    url = shell.sign(document, *words).replace("{key}", "x.pdf")
    assert shell.json("explain", url)["at an edge"].startswith(told)


def test_zones_without_such_an_edge_are_told_of_none(shell: Any) -> None:
    assert "at an edge" not in shell.json("explain", shell.sign("a.png"))


def test_a_zone_that_may_not_be_served_here_is_told(shell: Any) -> None:
    url = shell.sign()
    text = shell.configure(home="eu").config.read_text()
    shell.config.write_text(text.replace("[server]\n", '[server]\nregion = "us"\n'))
    assert "may not be served in this region, 451" in shell.json("explain", url)["verdict"]


def test_a_declared_prefix_counts_as_the_state_says(shell: Any) -> None:
    shell.configure(revocable=["documents/reports/"])
    url, other = shell.sign("reports/a.txt"), shell.sign("b.txt")
    shell.run("revoke", "--prefix", "clinic/documents/reports/")
    assert shell.json("explain", url)["verdict"].startswith("revoked: ")
    assert shell.json("explain", other)["verdict"].startswith("good: ")


def test_explaining_writes_nothing(shell: Any) -> None:
    shell.run("explain", issued(1_700_000_000))
    assert not (shell.folder / "data").exists()


def test_a_state_that_can_not_be_read_is_told(shell: Any) -> None:
    url = shell.sign()
    database = shell.folder / "data" / "ostiary.db"
    database.write_bytes(b"no database at all")
    told = shell.json("explain", url)
    assert told["revoked"].startswith("not known: ")
    assert "can not be read" in told["verdict"]
    assert stat.S_IMODE(os.stat(database).st_mode) == 0o600


def test_a_key_that_no_longer_signs_is_told(shell: Any) -> None:
    url = shell.sign()
    text = shell.config.read_text()
    keys = f'keys = {{ k1 = "{"5a" * 32}", k2 = "{FOREIGN}" }}\nactive = "k2"'
    shell.config.write_text(text.replace(f'keys = {{ k1 = "{"5a" * 32}" }}', keys))
    told = shell.json("explain", url)
    assert told["key"] == "k1 (now k2 signs)"
    assert told["verdict"].startswith("good: ")


@pytest.mark.parametrize(
    ("rendition", "provisional"),
    [("w640-webp", True), ("w640", True), ("w640-png", False), ("original", False)],
)
def test_a_first_answer_that_is_made_better_is_told_of(
    shell: Any, rendition: str, provisional: bool
) -> None:
    told = shell.json("explain", shell.sign("a.txt", "--rendition", rendition))
    assert ("3600 s at most" in told.get("at first", "")) == provisional


MARKS = """
[renditions.marks.draft]
text = "Draft of {date}"
[renditions.marks.who]
text = "{viewer}"
"""


def test_a_mark_is_told_with_what_it_shows_and_that_nobody_keeps_it(shell: Any) -> None:
    shell.configure(cache="windowed").add(MARKS)
    told = shell.json("explain", shell.sign("a.txt", "--grant", "x-w640-mdraft-webp"))
    assert told["mark"] == 'draft: "Draft of {date}", tiled, opacity 0.25, 0.35 of the width'
    assert told["policy"] == "Confidential"
    assert told["field"][0] == "cache-control: private, no-store, no-transform"
    assert told["a miss when"] == ["always: a mark is drawn over it, so nobody keeps it"]


def test_no_link_is_signed_for_a_mark_that_names_its_viewer(shell: Any) -> None:
    shell.configure().add(MARKS)
    shell.put("a.txt")
    said = shell.says("sign --grant x-w640-mwho", "clinic/documents/a.txt", status=1)
    assert "names its viewer" in said
    assert "bound to a viewer" in said


def test_a_link_to_a_mark_that_names_its_viewer_opens_nothing(shell: Any) -> None:
    shell.configure().add('[renditions.marks.who]\ntext = "Draft"\n')
    url = shell.sign("a.txt", "--grant", "x-w640-mwho")
    shell.configure().add(MARKS)
    assert "names the viewer, whom nothing proves" in shell.says("verify", url, status=1)
    assert "names the viewer, whom nothing proves: 403" in shell.json("explain", url)["mark"]


def _auto(url: str) -> str:
    parts = url.split("/")
    return "/".join([*parts[:4], "auto", *parts[5:]])


def test_what_auto_chooses_is_told_with_the_octets_of_each_candidate(shell: Any) -> None:
    out = BytesIO()
    Image.effect_noise((1_400, 1_000), 60).save(out, "JPEG", quality=95)
    url = shell.sign("a.jpg")
    shell.put("a.jpg", out.getvalue())
    told = shell.json("explain", _auto(url))
    assert told["auto"][0] == "w1280-avif: a picture of that width is much lighter"
    assert "follows Accept" in told["auto"][1]
    names = [text.partition(",")[0] for text in told["candidate"]]
    assert sorted(names) == ["original", "w1280-avif", "w1280-jpeg", "w1280-webp"]
    assert told["candidate"][-1] == f"original, {len(out.getvalue()):,} octets"
    assert any("the format follows Accept" in why for why in told["a miss when"])


def test_a_choice_that_ends_in_the_original_is_kept_by_all(shell: Any) -> None:
    told = shell.json("explain", _auto(shell.sign("a.txt")))
    assert told["auto"] == ["original: it is neither a picture nor pages"]
    assert told["policy"] == "Shared"


def test_why_nothing_is_known_of_a_choice_is_told(shell: Any) -> None:
    url = _auto(shell.sign("a.txt"))
    (shell.documents / "a.txt").unlink()
    told = shell.json("explain", url)
    assert told["auto"] == ["not known: DocumentNotFound"]
    assert told["candidate"] == []
    assert "auto" not in shell.json("explain", shell.sign("b.txt"))["rendition"]
