"""`ostiary purge`, `ostiary revoke` and `ostiary reinstate`, without a server and beside one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.state.database import Database
from gateway.state.revocations import Revocations


class Cdn(ThreadingHTTPServer):
    """Takes purges, answers `status`, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.status = 200
        self.asked: list[dict[str, str]] = []

    @property
    def table(self) -> str:
        url = f"http://127.0.0.1:{self.server_port}"
        return f'[cdn.varnish]\nprovider = "varnish"\nurl = "{url}"\nsecret = "open-sesame"\n'


class _Take(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cdn

    def _answer(self) -> None:
        self.server.asked.append({name.lower(): text for name, text in self.headers.items()})
        self.send_response(self.server.status)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"purged 1\n")

    do_PURGE = do_SOFTPURGE = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody listens."""


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    with Cdn() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    "named",
    [
        ("--document", "clinic/documents/a.txt"),
        ("--bucket", "clinic/documents"),
        ("--zone", "clinic"),
        ("--tag", "d-0123456789abcdef0123"),
        ("--prefix", "clinic/documents/reports/"),
        ("--document", "clinic/documents/a.txt", "--tag", "x-1", "--zone", "clinic"),
    ],
)
def test_whatever_is_named_is_purged_without_a_server(
    shell: Any, cdn: Cdn, named: tuple[str, ...]
) -> None:
    shell.configure(revocable=["documents/reports/"]).add(cdn.table)
    told = shell.json("purge", *named)
    assert told["state"] == "sent"
    assert told["soft"] is True
    assert told["asked_by"] == "cli"
    assert [provider["state"] for provider in told["providers"]] == ["sent"]
    assert cdn.asked


def test_a_prefix_is_purged_by_the_tag_that_its_documents_carry(shell: Any, cdn: Cdn) -> None:
    shell.configure(cache="windowed", revocable=["documents/reports/"]).add(cdn.table)
    tags = shell.json("explain", shell.sign("reports/2026/a.txt"))["tags"].split()
    shell.run("purge", "--prefix", "clinic/documents/reports/")
    asked = " ".join(cdn.asked[0].values())
    assert any(tag in asked for tag in tags)


def test_hard_is_asked_for(shell: Any, cdn: Cdn) -> None:
    shell.add(cdn.table)
    assert shell.json("purge", "--hard", "--zone", "clinic")["soft"] is False


def test_text_tells_each_cdn_and_what_remains(shell: Any, cdn: Cdn) -> None:
    shell.add(cdn.table)
    result = shell.run("purge", "--zone", "clinic")
    lines = result.stdout.splitlines()
    assert lines[0].endswith("is written and will be carried out")
    assert [line.split() for line in lines[1:]] == [["varnish", "sent"], ["in", "all", "sent"]]
    assert "No server runs on this data folder" in result.stderr


def test_without_a_cdn_it_is_confirmed_at_once(shell: Any) -> None:
    result = shell.run("purge", "--zone", "clinic")
    assert result.stdout.splitlines()[1:] == ["in all       confirmed"]
    assert result.stderr == ""


def test_without_waiting_it_is_only_written(shell: Any, cdn: Cdn) -> None:
    shell.add(cdn.table)
    assert shell.json("purge", "--wait", "0", "--zone", "clinic")["state"] == "queued"


def test_a_cdn_out_of_reach_leaves_it_queued_with_its_reason(shell: Any) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    shell.add(f'[cdn.varnish]\nprovider = "varnish"\nurl = "{url}"\nsecret = "open-sesame"\n')
    result = shell.run("purge", "--wait", "1", "--json", "--zone", "clinic")
    assert '"state": "queued"' in result.stdout
    assert result.stdout.count("\n") == 1
    assert "open-sesame" not in result.output


def test_a_cdn_that_refuses_for_good_fails_the_command(shell: Any, cdn: Cdn) -> None:
    cdn.status = 403
    shell.add(cdn.table)
    result = shell.run("purge", "--zone", "clinic", status=1)
    assert "failed" in result.stdout
    assert "purges to varnish: 0 tags wait, 1 are dead" in shell.says("doctor", status=1)
    assert "open-sesame" not in result.output
    cdn.status = 200
    assert "1 queued again" in shell.says("purge", "--requeue", "varnish")
    assert "no CDN 'other'; there are: varnish" in shell.says(
        "purge", "--requeue", "other", status=2
    )


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("purge", (), "name documents, URLs"),
        ("purge", ("--tag", "d:1"), "a tag is 1 to 32"),
        ("purge", ("--zone", "clinic", "--bucket", "clinic/documents"), "not both"),
        ("purge", ("--zone", "clinik"), "did you mean clinic?"),
        ("purge", ("--bucket", "clinic/document"), "did you mean documents?"),
        ("purge", ("--document", "clinic"), "is not ZONE/BUCKET/KEY"),
        ("purge", ("--prefix", "clinic/documents/a/"), "it declares none"),
        ("purge", ("--wait", "301", "--zone", "clinic"), "--wait"),
        ("revoke", (), "name what is to be revoked"),
        ("revoke", ("--zone", "clinik"), "did you mean clinic?"),
        ("revoke", ("--bucket", "clinic"), "is not ZONE/BUCKET"),
        ("revoke", ("--document", "clinic/documents/a//b"), "can not be a document's name"),
        ("revoke", ("--prefix", "clinic/documents/a/"), "it declares none"),
        ("revoke", ("--viewer", ""), "is not empty"),
        ("revoke", ("--viewer", "a\udcff"), "text in UTF-8"),
        ("revoke", ("--restored", "--viewer", "u1", "--zone", "clinic"), "--restored goes with"),
        ("reinstate", (), "Missing argument"),
        ("reinstate", ("u1", ""), "is not empty"),
        ("revoke", ("--restored",), "name what is to be revoked"),
        ("revoke", ("--restored", "--bucket", "clinic/documents"), "--restored goes with --zone"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_anything_is_written(
    shell: Any, command: str, options: tuple[str, ...], said: str
) -> None:
    assert said in shell.says(command, *options, status=2)
    assert not (shell.folder / "data").exists()


@pytest.mark.parametrize(
    ("named", "reached"),
    [
        (("--document", "clinic/documents/reports/a.txt"), {"reports/a.txt"}),
        (("--prefix", "clinic/documents/reports/"), {"reports/a.txt", "reports/b.txt"}),
        (("--bucket", "clinic/documents"), {"reports/a.txt", "reports/b.txt", "c.txt"}),
        (("--zone", "clinic"), {"reports/a.txt", "reports/b.txt", "c.txt"}),
    ],
)
def test_revoking_kills_the_links_of_what_is_named_and_no_other(
    shell: Any, named: tuple[str, ...], reached: set[str]
) -> None:
    shell.configure(revocable=["documents/reports/"])
    links = {key: shell.sign(key) for key in ("reports/a.txt", "reports/b.txt", "c.txt")}
    assert shell.json("revoke", *named)["reason"] == "revoked"
    for key, url in links.items():
        expected = "revoked: " if key in reached else "good: "
        assert shell.says("verify", url, status=int(key in reached)).startswith(expected)
        assert shell.says("verify", shell.sign(key)).startswith("good: ")


def refused(shell: Any, subject: str) -> bool:
    """Whether a process that starts now gives a viewer no links."""
    with closing(Database.open(shell.folder / "data" / "ostiary.db")) as database:
        return Revocations(database).refused(subject)


def test_a_viewer_is_refused_until_reinstated(shell: Any) -> None:
    told = shell.json("revoke", "--viewer", "u1", "--viewer", "u2")
    assert (told["state"], told["reason"], told["asked_by"]) == ("confirmed", "revoked", "cli")
    shell.run("revoke", "--viewer", "u1")
    assert [refused(shell, subject) for subject in ("u1", "u2", "u3")] == [True, True, False]
    told = shell.json("reinstate", "u1", "u3")
    assert (told["state"], told["reason"]) == ("confirmed", "reinstated")
    assert [refused(shell, subject) for subject in ("u1", "u2", "u3")] == [False, True, False]


def test_revoking_a_viewer_takes_no_link_back(shell: Any) -> None:
    url = shell.sign()
    shell.run("revoke", "--viewer", "u1")
    assert shell.says("verify", url).startswith("good: ")


def test_revoking_after_a_restore_kills_links_that_the_backup_does_not_know(shell: Any) -> None:
    for _ in range(2):
        shell.run("revoke", "--zone", "clinic")
    url = shell.sign()
    (shell.folder / "data" / "ostiary.db").unlink()
    shell.run("revoke", "--zone", "clinic", "--restored")
    assert shell.says("verify", url, status=1).startswith("revoked: ")


def test_a_name_that_never_had_a_link_is_remarked_upon(shell: Any) -> None:
    shell.sign()
    slip = shell.run("revoke", "--document", "clinic/documents/A.txt")
    assert "no link to clinic/documents/A.txt was issued" in slip.stderr
    assert shell.run("revoke", "--document", "clinic/documents/a.txt").stderr == ""


def test_a_running_server_obeys_at_once_and_carries_out_the_rest(gateway_in: Any, cdn: Cdn) -> None:
    varnish = {"provider": "varnish", "url": f"http://127.0.0.1:{cdn.server_port}"}
    gateway = gateway_in(cdn={"varnish": {**varnish, "secret": "open-sesame"}}).start()
    gateway.put("a.txt", b"first")
    url = gateway.run("sign", "clinic/documents/a.txt").stdout.strip()
    assert gateway.client.get(url).text == "first"
    purged = gateway.run("purge", "--document", "clinic/documents/a.txt")
    assert "sent" in purged.stdout
    assert purged.stderr == ""
    assert gateway.client.get(url).status_code == 200
    gateway.run("revoke", "--document", "clinic/documents/a.txt")
    assert gateway.client.get(url).status_code == 410
    assert gateway.run("verify", url, check=False).returncode == 1


def test_a_folder_and_a_link_are_purged(shell: Any, cdn: Cdn) -> None:
    shell.configure().add(cdn.table)
    link = shell.sign()
    told = shell.json("purge", "--url", link, "--folder", "clinic/documents/reports/")
    assert told["providers"][0]["tags"] == 2
    assert "ends with a slash" in shell.says("purge", "--folder", "clinic/documents/a", status=2)
    assert "no link of ours" in shell.says("purge", "--url", link[:-1], status=2)


def test_a_dry_run_tells_and_does_nothing(shell: Any, cdn: Cdn) -> None:
    shell.configure().add(cdn.table)
    told = shell.says("purge", "--dry-run", "--zone", "clinic")
    assert "varnish" in told
    assert "1 tags, soft; 2 calls" in told
    assert shell.json("purge", "--dry-run", "--zone", "clinic")["providers"][0]["calls"] == 2
    assert cdn.asked == []
    assert shell.json("purge", "--dead") == []


def test_dead_purges_are_listed_with_what_they_were_about(shell: Any, cdn: Cdn) -> None:
    shell.configure().add(cdn.table)
    assert "no purge is dead" in shell.says("purge", "--dead")
    cdn.status = 403
    shell.says("purge", "--document", "clinic/documents/a.txt", "--wait", "20", status=1)
    told = shell.says("purge", "--dead")
    assert "d:clinic/documents/a.txt" in told
    assert "varnish answered 403" in told
    [listed] = shell.json("purge", "--dead")
    assert listed["asked"]["scopes"] == ["d:clinic/documents/a.txt"]
    assert "1 queued again" in shell.says("purge", "--requeue", "varnish")
    assert shell.json("purge", "--dead") == []


def test_without_a_cdn_a_dry_run_says_who_would_forget(shell: Any) -> None:
    shell.configure()
    assert "no CDN would be told" in shell.says("purge", "--dry-run", "--zone", "clinic")
