"""`ostiary sign` and `ostiary verify`."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest


def test_a_link_is_printed_alone_and_is_good(shell: Any) -> None:
    url = shell.sign("a b.txt")
    assert re.fullmatch(
        r"http://127\.0\.0\.1:8080/d/original/clinic/documents/-/a%20b\.txt\?t=\S+", url
    )
    assert shell.says("verify", url).startswith("good: ")


def test_a_link_is_in_the_ledger_before_it_is_printed(shell: Any) -> None:
    shell.sign()
    with sqlite3.connect(shell.folder / "data" / "ostiary.db") as connection:
        assert connection.execute("SELECT actor, key FROM issue").fetchall() == [("cli", "a.txt")]


def test_each_document_has_its_line(shell: Any) -> None:
    for key in ("a.txt", "b.txt"):
        shell.put(key)
    lines = shell.says("sign", "clinic/documents/a.txt", "clinic/documents/b.txt").splitlines()
    assert [line.split("?")[0].rsplit("/", 1)[1] for line in lines] == ["a.txt", "b.txt"]


def test_wishes_stand_in_the_link(shell: Any) -> None:
    options = ("--grant", "previews", "--download", "--rendition", "w640-webp", "--pinned")
    url = shell.sign("a.png", *options)
    assert "/d/w640-webp/" in url
    assert ".dp." in url
    assert "/documents/-/" not in url


def test_a_life_is_asked_for_in_seconds(shell: Any) -> None:
    short, long = (shell.sign("a.txt", "--expires-in", life) for life in ("1", "99999999999"))
    ends = [int(url.split("?t=1.k1.")[1].split(".")[0]) for url in (short, long)]
    assert 80_000 < ends[1] - ends[0] <= 86_400


def test_a_missing_document_is_told_with_the_like_one_and_others_get_links(shell: Any) -> None:
    shell.put("reports/März.pdf")
    wrong, right = "clinic/documents/reports/Marz.pdf", "clinic/documents/reports/März.pdf"
    result = shell.run("sign", wrong, right, status=1)
    assert result.stdout.count("http://") == 1
    assert f"{wrong}: There is no such document." in result.stderr
    assert f"Did you mean {right}?" in result.stderr


def test_json_is_what_the_api_answers_one_a_line(shell: Any) -> None:
    shell.put("a.txt")
    result = shell.run(
        "sign", "--json", "clinic/documents/a.txt", "clinic/documents/b.txt", status=1
    )
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["url"].startswith("http://")
    assert second["error"]["code"] == "document.not-found"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--grant", "some"), "is not all, original, previews or x-NAME"),
        (("--grant", "x" * 99), "is not all, original, previews or x-NAME"),
        (("--grant", "x-w641x"), "did you mean w640?"),
        (("--rendition", "w641x"), "did you mean w640?"),
        (("--rendition", "Ä"), "is no rendition that is made"),
        (("--grant", "original", "--rendition", "w640"), "--grant x-w640 grants exactly it"),
        (("--grant", "previews", "--rendition", "original"), "--grant all does"),
        (("--rendition", "w500"), "--grant x-w500 grants exactly it"),
        (("--expires-in", "0"), "--expires-in"),
        (("--extension", ".."), "up to 8 of a-z and 0-9"),
    ],
)
def test_a_wish_that_can_not_be_is_refused_before_anything_is_issued(
    shell: Any, options: tuple[str, ...], said: str
) -> None:
    shell.put("a.png")
    assert said in shell.says("sign", *options, "clinic/documents/a.png", status=2)
    assert not (shell.folder / "data").exists()


def test_more_documents_than_a_call_takes_are_refused(shell: Any) -> None:
    assert "1,000" in shell.says("sign", *["clinic/documents/a"] * 1001, status=2)


def test_links_of_a_server_on_every_address_lead_to_this_host(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host, shown in (("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.1", "10.0.0.1")):
        monkeypatch.setenv("OSTIARY_SERVER__HOST", host)
        assert shell.sign().startswith(f"http://{shown}:8080/d/")


def test_a_state_that_can_not_be_opened_is_told_without_a_traceback(shell: Any) -> None:
    shell.put("a.txt")
    (shell.folder / "data").write_text("no folder")
    said = shell.says("sign", "clinic/documents/a.txt", status=1)
    assert said.startswith("Error: database: ")


def test_a_state_that_is_no_database_is_told_without_a_traceback(shell: Any) -> None:
    shell.put("a.txt")
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "ostiary.db").write_bytes(b"not a database" * 100)
    assert shell.says("sign", "clinic/documents/a.txt", status=1).startswith("Error: ")


def test_verify_tells_what_is_not_good_by_its_status(shell: Any) -> None:
    url = shell.sign()
    assert shell.json("verify", url)["state"] == "good"
    assert shell.json("verify", url[:-1], status=1)["state"] == "refused"
    assert shell.says("verify", "https://example.org", status=1).startswith("refused: ")
    shell.run("revoke", "--document", "clinic/documents/a.txt")
    assert shell.says("verify", url, status=1).startswith("revoked: ")


def test_verify_says_when_it_could_not_look_for_revocations(shell: Any) -> None:
    url = shell.sign()
    shell.configure(cache="windowed")
    (shell.folder / "data" / "ostiary.db").unlink()
    assert "there is no state here" in shell.says("verify", url)


def test_a_link_good_once_is_signed_and_explained(shell: Any) -> None:
    link = shell.sign("a.txt", "--one-time", "--grant", "original")
    assert shell.says("verify", link).startswith("good")
    told = shell.json("explain", link)
    assert told["one-time"] == "no use is known here"
    assert told["policy"] == "Confidential"
    assert told["a miss when"] == ["always: it is good once, so nobody keeps it"]


def test_a_used_link_is_told_as_used(shell: Any) -> None:
    link = shell.sign("a.txt", "--one-time", "--grant", "original")
    name = link.partition("?t=")[2].split(".")[5]
    with closing(sqlite3.connect(shell.folder / "data" / "ostiary.db")) as database:
        row = ("clinic", name, 9_999_999_999, 1_800_000_000)
        database.execute("INSERT INTO used_link VALUES (?, ?, ?, ?)", row)
        database.commit()
    assert "410 link.used" in shell.says("verify", link, status=1)
    assert shell.json("explain", link)["one-time"] == "USED at 2027-01-15 08:00:00 UTC"


def test_a_family_once_is_refused_before_anything_is_issued(shell: Any) -> None:
    shell.put("a.txt")
    said = shell.says("sign", "--one-time", "clinic/documents/a.txt", status=2)
    assert "--grant original or x-NAME" in said


def test_a_folders_link_opens_what_lies_below(shell: Any) -> None:
    shell.put("reports/a b.txt")
    for word in ("clinic/documents/reports", "clinic/documents/reports/"):
        template = shell.says("sign", "--folder", word).strip()
        assert "/d/original/clinic/documents/-/reports/{key}?t=1f4." in template
        link = template.replace("{key}", "a%20b.txt")
        assert shell.says("verify", link).startswith("good")
        told = shell.json("explain", link)
        assert told["folder"] == "documents/reports/ and all below: 4 segments signed"
        assert told["document"] == "documents/reports/a b.txt"
        assert told["revoked"].startswith("no: has generation 0, the folder is at 0")
    beside = template.replace("reports/{key}", "letters/a.txt")
    assert "signature" in shell.says("verify", beside, status=1)


def test_a_folders_link_says_what_was_wished(shell: Any) -> None:
    wishes = ("--folder", "--grant", "previews", "--download", "--expires-in", "600")
    [told] = [shell.json("sign", *wishes, "clinic/documents/reports")]
    assert told["grant"] == "dp"
    assert told["folder"] == {"zone": "clinic", "bucket": "documents", "folder": "reports/"}
    named = shell.says("sign", *wishes, "--rendition", "w640", "clinic/documents/reports")
    assert "/d/w640/clinic/" in named
    for wrong in ("--one-time", "--pinned"):
        grant = ("--grant", "original") if wrong == "--one-time" else ()
        said = shell.says("sign", "--folder", wrong, *grant, "clinic/documents/a", status=2)
        assert wrong in said


def test_a_folder_without_a_link_is_told(shell: Any) -> None:
    deep = "/".join("x" * 97)
    said = shell.says(
        "sign", "--folder", "clinic/documents/a", f"clinic/documents/{deep}", status=1
    )
    assert "{key}" in said
    assert "No link can be made for this. Reason: folder." in said


def test_what_was_taken_back_of_a_folder_is_told(shell: Any) -> None:
    shell.configure(revocable=["documents/reports/", "documents/reports/2026/"])
    template = shell.says("sign", "--folder", "clinic/documents/reports").strip()
    alone, below, other = (
        template.replace("{key}", key) for key in ("a.txt", "2026/b.txt", "c.txt")
    )
    shell.run("revoke", "--document", "clinic/documents/reports/a.txt")
    assert "410 link.revoked" in shell.says("verify", alone, status=1)
    assert "closed until" in shell.json("explain", alone)["alone"]
    assert shell.says("verify", below).startswith("good")
    shell.run("revoke", "--prefix", "clinic/documents/reports/2026/")
    assert "410 link.revoked" in shell.says("verify", below, status=1)
    assert shell.says("verify", other).startswith("good")
    shell.run("revoke", "--prefix", "clinic/documents/reports/")
    assert "410 link.revoked" in shell.says("verify", other, status=1)
    assert "the folder is at 1" in shell.json("explain", other)["revoked"]
