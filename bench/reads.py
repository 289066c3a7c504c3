"""One document of 30 KB from memory, by the storage routes and by a link of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import calls
from bench.documents import BUCKET, Documents
from bench.load import Load, Target, interleaved, middle, times
from bench.project import STORAGE, before, keys, project, signed
from bench.table import Row

OWN = "by /d/"
SIGNED = "by a signed URL of the storage routes"
AUTHENTICATED = "authenticated, decision known"


def run(folder: Path) -> list[Row]:
    """Drive the three in turn over three rounds."""
    [key] = keys(1)
    with project(folder) as upstream:
        upstream.keep([key], Documents(folder / "docs").small().read_bytes())
        with before(folder, upstream) as gateway:
            server, fields = gateway.server, upstream.fields(upstream.bearer("reader"))
            script = calls.same(folder / "authenticated.lua", "GET", fields)
            [opened] = signed(server.base, 1, fields)
            place = f"{server.base}{STORAGE}/object/authenticated/{BUCKET}/{key}"
            targets = {
                OWN: Target(server, gateway.url(key)),
                SIGNED: Target(server, opened),
                AUTHENTICATED: Target(server, place, script),
            }
            return rows(interleaved(targets, seconds=1))


def rows(found: Mapping[str, Sequence[Load]]) -> list[Row]:
    """Each way's figures, then what the storage routes' rates are to that of `/d/`."""
    told = {name: middle(loads) for name, loads in found.items()}
    return [
        *(Row(name, str(load), load.requests) for name, load in told.items()),
        *(
            Row(f"{name}, to /d/", f"{times(found[name], found[OWN]):.3g}x", told[name].requests)
            for name in (SIGNED, AUTHENTICATED)
        ),
    ]
