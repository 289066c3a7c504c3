"""`ostiary sign` and `ostiary verify`."""

from __future__ import annotations

import json
import re
import sqlite3
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
