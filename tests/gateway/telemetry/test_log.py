from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog

from gateway.telemetry.log import configure
from gateway.telemetry.writer import LineWriter

CANARY = "canary"


class Lines(LineWriter):
    def __init__(self) -> None:
        self.dropped = 0
        self.blobs: list[bytes] = []

    def write(self, blob: bytes) -> None:
        self.blobs.append(blob)

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(blob) for blob in self.blobs]


@contextmanager
def configured() -> Iterator[Lines]:
    """Ours in the place of pytest's handlers, which it installs after the fixtures have run."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = Lines()
    configure(lines)
    try:
        yield lines
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def test_an_event_is_one_line_with_its_facts() -> None:
    with configured() as lines:
        structlog.get_logger().info("purge_confirmed", provider="varnish", tags=["d-1"])
        (event,) = lines.events
        assert event.pop("ts")
        assert event == {
            "event": "purge_confirmed", "level": "info", "provider": "varnish", "tags": ["d-1"],
        }  # fmt: skip


def test_debug_stays_silent() -> None:
    with configured() as lines:
        structlog.get_logger().debug("noise")
        logging.getLogger("anything").debug("noise")
        assert lines.events == []


def test_the_servers_own_words_become_json() -> None:
    with configured() as lines:
        logging.getLogger("uvicorn.error").info("Started [%d]", 7, extra={"color_message": "[x"})
        (event,) = lines.events
        assert event["event"] == "Started [7]"
        assert event["level"] == "info"
        assert "color_message" not in event


def test_neither_way_in_lets_a_secret_through() -> None:
    with configured() as lines:
        structlog.get_logger().warning(f"asked t={CANARY}", token=CANARY, where=f"/d/a/{CANARY}")
        logging.getLogger("uvicorn.error").warning("asked %s", f"https://x/d/{CANARY}?t={CANARY}")
        assert len(lines.blobs) == 2
        assert CANARY not in b"".join(lines.blobs).decode()


def test_an_exceptions_text_stays_inside() -> None:
    with configured() as lines:

        def lose() -> None:
            raise FileNotFoundError(2, "No such file or directory", f"/srv/{CANARY}.pdf")

        try:
            try:
                lose()
            except OSError as exc:
                raise ValueError(CANARY) from exc
        except ValueError as exc:
            structlog.get_logger().exception("ours")
            structlog.get_logger().error("ours", exc_info=(type(exc), exc, exc.__traceback__))
            logging.getLogger("uvicorn.error").error("theirs\n", exc_info=exc)
        assert CANARY not in b"".join(lines.blobs).decode()
        for event in lines.events:
            assert event["error"] == "ValueError from FileNotFoundError (No such file or directory)"
            places = event["at"]
            assert isinstance(places, list)
            assert places[-1].startswith("telemetry/test_log.py:")
            assert "exception" not in event


def test_exc_info_without_an_exception_adds_nothing() -> None:
    with configured() as lines:
        structlog.get_logger().error("calm", exc_info=True)
        assert "error" not in lines.events[0]


def test_the_http_client_does_not_tell_urls() -> None:
    with configured() as lines:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200))
        with httpx.Client(transport=transport) as client:
            client.get(f"https://store.example/{CANARY}")
        assert lines.events == []


def test_access_lines_of_the_server_are_off() -> None:
    with configured() as lines:
        access = logging.getLogger("uvicorn.access")
        access.error("GET /d/x?t=y")
        assert lines.events == []
        assert access.disabled
        assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_an_event_that_can_not_be_written_is_counted() -> None:
    with configured() as lines:

        class Hostile:
            def __str__(self) -> str:
                raise RuntimeError

        logging.getLogger("any").warning("%s", Hostile())
        assert lines.events == []
        assert lines.dropped == 1
