"""A Supabase project under measure: a stand-in for its storage server, and the gateway before it.

The stand-in is the tests' own, which answers as the real server was recorded to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import jwt

from bench.documents import BUCKET
from bench.load import LoadFailed
from bench.ostiary import Ostiary, ostiary
from bench.processes import Server, free_port, serving

STORAGE = "/storage/v1"
SHARED = "shared"
"""The folder of the private bucket that every signed-in user may read, and nobody write."""
LIFE = 3600
_FAR = 2_110_743_207
_WHO = {"aud": "authenticated", "role": "authenticated", "exp": _FAR}


@dataclass(frozen=True, slots=True)
class Project:
    """The running stand-in, and what it told of its keys."""

    server: Server
    card: Mapping[str, str]

    def bearer(self, subject: str, session: int = 0) -> str:
        """An Authorization value; another session of one user is another token."""
        claims = {**_WHO, "sub": subject, "session_id": str(session)}
        return f"Bearer {jwt.encode(claims, self.card['jwt_secret'], algorithm='HS256')}"

    def fields(self, bearer: str) -> dict[str, str]:
        """The fields of a client of the storage routes."""
        return {"authorization": bearer, "apikey": self.card["anon"]}

    def keep(self, keys: Sequence[str], body: bytes) -> None:
        """Put objects into the private bucket."""
        connection = HTTPConnection(urlsplit(self.server.base).netloc)
        for key in keys:
            fields = {"content-type": "image/jpeg"}
            connection.request("PUT", f"/_contract/objects/{BUCKET}/{key}", body, fields)
            connection.getresponse().read()
        connection.close()

    def forget(self) -> None:
        """Forget what has been asked so far."""
        with urlopen(Request(f"{self.server.base}/_contract/requests", method="DELETE")):
            pass

    def asked(self) -> int:
        """How often it was asked anything since."""
        with urlopen(f"{self.server.base}/_contract/requests") as answer:
            return len(json.load(answer))


@contextmanager
def project(folder: Path, think: float = 0.0, *, recording: bool = False) -> Iterator[Project]:
    """The stand-in with its private bucket; `think` is what each answer takes longer, in ms."""
    port = free_port()
    log = folder / f"project-{port}.log"
    options = ["--port", str(port), "--think", str(think), *([] if recording else ["--no-record"])]
    command = [sys.executable, "-m", "tests.contract.server", *options]
    with serving(command, port, log, probe="/_contract/requests") as server:
        yield Project(server, json.loads(log.read_text().splitlines()[0]))


def before(
    folder: Path, project: Project, workers: int = 1, more: Sequence[str] = ()
) -> AbstractContextManager[Ostiary]:
    """A gateway before the project, which proves users by the JWT secret.

    `more` are further lines of its configuration, after the project's.
    """
    lines = [
        "[supabase]",
        f'url = "{project.server.base}"',
        f'service_key = "{project.card["service"]}"',
        f'jwt_secret = "{project.card["jwt_secret"]}"',
        *more,
    ]
    return ostiary(folder, "supabase:", workers=workers, more=lines)


def keys(count: int) -> list[str]:
    """Names of objects that every user may read."""
    return [f"{SHARED}/letters/{number:04}.jpg" for number in range(count)]


def call(count: int) -> tuple[str, str]:
    """Target and body of createSignedUrl, or for more than one path of createSignedUrls."""
    place, paths = f"{STORAGE}/object/sign/{BUCKET}", keys(count)
    if count == 1:
        return f"{place}/{paths[0]}", json.dumps({"expiresIn": LIFE})
    return place, json.dumps({"expiresIn": LIFE, "paths": paths})


def signed(base: str, count: int, fields: Mapping[str, str]) -> list[str]:
    """Make that call; the whole URLs. Raises `LoadFailed` unless all are there."""
    target, body = call(count)
    asking = Request(base + target, body.encode(), {**fields, "content-type": "application/json"})
    with urlopen(asking) as answer:
        said = json.load(answer)
    lines = said if isinstance(said, list) else [said]
    if any(line["signedURL"] is None for line in lines):
        raise LoadFailed("a URL was refused")
    return [f"{base}{STORAGE}{line['signedURL']}" for line in lines]
