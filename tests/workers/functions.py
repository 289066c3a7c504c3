"""CloudFront functions, run by Node one event after another."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gateway.edges import Backend, EdgeFacts
from gateway.edges.cloudfront import rendered
from tests.clients.node import found
from tests.workers.verdicts import NOW

RUN = Path(__file__).parent / "function_run.mjs"


class Made(NamedTuple):
    """A function's text, and what its KeyValueStore holds."""

    text: str
    store: dict[str, str]


def made(facts: EdgeFacts) -> Made:
    """What is uploaded of a rendered function: its first line to the store, the rest as code."""
    line, text = rendered(facts, Backend("origin.example", 443)).split("\n", 1)
    puts = json.loads(line.removeprefix("//kvs "))
    return Made(text, {put["Key"]: put["Value"] for put in puts})


class Event(NamedTuple):
    target: str
    method: str = "GET"
    headers: dict[str, str] = {}  # noqa: RUF012


class Functions:
    """Runs functions in a folder of their own, where `cloudfront` is a stand-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program, _ = found()
        module = folder / "node_modules" / "cloudfront"
        module.mkdir(parents=True)
        (module / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
        (module / "index.js").write_text("export default globalThis.cloudfront;")

    def answers(
        self, function: Made, events: Sequence[Event], *, fault: str = ""
    ) -> list[dict[str, Any]]:
        """The request that goes on, or the answer, for each event."""
        place = self._folder / "function.mjs"
        place.write_text(function.text + "\nexport { handler };\n", encoding="utf-8")
        asked = {
            "place": place.as_uri(),
            "now": NOW,
            "store": function.store,
            "fault": fault,
            "requests": [event._asdict() for event in events],
        }
        done = subprocess.run(
            [self._program, RUN],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers


def verdict(answer: dict[str, Any]) -> str:
    if "statusCode" in answer:
        return "refuse" if answer["statusCode"] == 403 else "?"
    return "pass" if "ostiary-pass" in answer["headers"] else "accept"


def sent_on(answer: dict[str, Any]) -> str:
    """The target that CloudFront looks up and asks the origin for."""
    query = "&".join(f"{name}={said['value']}" for name, said in answer["querystring"].items())
    return f"{answer['uri']}?{query}"


def code(text: str) -> str:
    """A script without its strings and comments."""
    return re.sub(r"""//[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""", "''", text)
