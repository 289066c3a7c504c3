from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def revoked(shell: Any) -> str:
    """The id of a revocation; no CDN is configured, so it is confirmed at once."""
    shell.sign("a.txt")
    told = shell.json("revoke", "--document", "clinic/documents/a.txt")
    return str(told["id"])


def test_a_receipt_is_shown_and_found_good(shell: Any, revoked: str, tmp_path: Path) -> None:
    text = shell.run("receipt show", revoked).stdout
    file = tmp_path / "receipt.json"
    file.write_text(text)

    assert json.loads(text)["receipt"]["purge"] == revoked
    assert shell.says("receipt verify", str(file)).startswith("good")


def test_an_altered_receipt_is_refused(shell: Any, revoked: str, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(shell.run("receipt show", revoked).stdout.replace('"cli"', '"boss"'))

    assert "ALTERED" in shell.says("receipt verify", str(file), status=1)


def test_a_receipt_of_another_installation_tells_nothing(
    shell: Any, revoked: str, tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(shell.run("receipt show", revoked).stdout.replace('"1.k1.', '"1.k9.'))

    assert "nothing can be told" in shell.says("receipt verify", str(file), status=4)


def test_a_receipt_outlives_the_key_that_signs_but_not_its_revocation(
    shell: Any, revoked: str, tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(shell.run("receipt show", revoked).stdout)
    shell.rotate()
    assert shell.says("receipt verify", str(file)).startswith("good")
    shell.run("revoke", "--key", "k1")
    assert "ask for it again" in shell.says("receipt verify", str(file), status=4)
    file.write_text(shell.run("receipt show", revoked).stdout)
    assert shell.says("receipt verify", str(file)).startswith("good")


def test_a_receipt_is_checked_where_there_is_no_state(shell: Any, revoked: str) -> None:
    text = shell.run("receipt show", revoked).stdout
    file = shell.folder / "receipt.json"
    file.write_text(text)
    (shell.folder / "data").rename(shell.folder / "elsewhere")
    assert shell.says("receipt verify", str(file)).startswith("good")
    assert not (shell.folder / "data" / "ostiary.db").exists()


def test_no_receipt_is_good_while_the_state_can_not_be_asked_about_its_key(
    shell: Any, revoked: str
) -> None:
    file = shell.folder / "receipt.json"
    file.write_text(shell.run("receipt show", revoked).stdout)
    for left in (shell.folder / "data").glob("ostiary.db*"):
        left.unlink()
    (shell.folder / "data" / "ostiary.db").write_bytes(b"no database" * 100)
    assert "can not be read" in shell.says("receipt verify", str(file), status=1)


def test_an_unconfirmed_receipt_is_told_apart(shell: Any, tmp_path: Path) -> None:
    shell.add('[cdn.far]\nprovider = "varnish"\nurl = "http://127.0.0.1:9"\nsecret = "s"\n')
    shell.put("a.txt")
    words = ("--document", "clinic/documents/a.txt", "--wait", "0")
    told = shell.json("revoke", *words)
    file = tmp_path / "receipt.json"
    file.write_text(shell.run("receipt show", told["id"]).stdout)

    assert "not confirmed" in shell.says("receipt verify", str(file), status=3)


@pytest.mark.parametrize("id", ["", "p-0123456789abcdef", "\x1b[31m", "ä", "\udcff"])
def test_what_is_no_id_has_no_receipt(shell: Any, id: str) -> None:
    assert "no revocation has this id" in shell.says("receipt show", id, status=1)


@pytest.mark.parametrize(("command", "option"), [("purge", "--url"), ("revoke", "--link")])
def test_what_is_no_text_is_no_link(shell: Any, command: str, option: str) -> None:
    assert "no link of ours" in shell.says(command, option, "/d/a\udcff?t=1", status=2)


def test_other_purges_have_no_receipt(shell: Any) -> None:
    assert "no revocation" in shell.says("receipt show", "p-none", status=1)


def test_a_link_takes_its_document_back(shell: Any) -> None:
    link = shell.sign("a.txt")
    told = shell.json("revoke", "--link", link)
    assert "revoked" in shell.says("verify", link, status=1)
    receipt = json.loads(shell.run("receipt show", told["id"]).stdout)["receipt"]
    assert receipt["took_back"][0]["links"] == 1
    again = shell.sign("a.txt")
    shell.run("revoke", "--link", shell.json("explain", again)["link"])
    assert "revoked" in shell.says("verify", again, status=1)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--link", "/d/x", "no link of ours"),
        ("--key", "k9", "no key"),
        ("--key", "k1", "another key"),
    ],
)
def test_slips_are_told(shell: Any, option: str, value: str, says: str) -> None:
    assert says in shell.says("revoke", option, value, status=2)
