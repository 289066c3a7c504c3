"""Calls: scripts for wrk that say what was meant, whatever the text."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench import calls

BODY = '{"paths": ["a \\"b\\" \\\\n.pdf", "ä]]"]}'
FIELDS = {"authorization": "Bearer one", "x-note": "a]] 'b'"}


class Heard(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str, str]] = []
        super().__init__(("127.0.0.1", 0), Listener)


class Listener(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Heard

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        caller, note = self.headers["authorization"], self.headers["x-note"]
        self.server.said.append((self.command, caller, note, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Heard]:
    with Heard() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def sent(script: Path) -> list[tuple[str, str, str, str]]:
    with listening() as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        subprocess.run(
            ["wrk", "-t1", "-c1", "-d1s", "-s", str(script), url],
            check=True,
            stdout=sys.stderr,
        )
        return server.said


def test_a_text_is_quoted_in_brackets_that_escape_nothing() -> None:
    assert calls.quoted('a "b" \\n') == '[==[a "b" \\n]==]'


@pytest.mark.engines
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_same_call_is_sent_each_time_word_for_word(tmp_path: Path) -> None:
    said = sent(calls.same(tmp_path / "same.lua", "POST", FIELDS, BODY))
    assert set(said) == {("POST", "Bearer one", FIELDS["x-note"], BODY)}


@pytest.mark.engines
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_callers_come_in_turn(tmp_path: Path) -> None:
    callers = [f"Bearer {number}" for number in range(3)]
    said = sent(calls.in_turn(tmp_path / "turns.lua", FIELDS, BODY, callers))
    assert {body for *_, body in said} == {BODY}
    names = [caller for _, caller, *_ in said]
    began = callers.index(names[0])
    assert names[:6] == [callers[(began + step) % 3] for step in range(6)]
