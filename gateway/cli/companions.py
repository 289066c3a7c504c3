"""Companions on the command line: what a link needs beside itself, and what it opens beside one."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.cli.generations import generation_of
from gateway.cli.verdicts import moment
from gateway.documents import Zone
from gateway.settings import Settings
from signing.folders import FolderLink
from signing.links import Link
from signing.targets import ABSENT


def companions_of(link: Link, zone: Zone, settings: Settings) -> Iterator[tuple[str, str]]:
    """What `explain` tells of it, line by line; nothing of an ordinary link."""
    if isinstance(link, FolderLink):
        yield "folder", f"{link.bucket}/{link.folder} and all below: {link.depth} segments signed"
        yield from _alone(link, zone, settings)
    if link.audience != ABSENT:
        yield "bound", "to a viewer, whom a Bearer token or a cookie has to prove"
    if link.one_time != ABSENT:
        used = generation_of(zone, link, settings.server.database).used_at
        yield "one-time", f"USED at {moment(used)}" if used else "no use is known here"


def unkept(link: Link) -> str:
    """Why nobody keeps its answer; empty when that is no reason."""
    if link.one_time != ABSENT:
        return "it is good once, so nobody keeps it"
    return "it is for one viewer, so nobody keeps it" if link.audience != ABSENT else ""


def _alone(link: FolderLink, zone: Zone, settings: Settings) -> Iterator[tuple[str, str]]:
    alone = generation_of(zone, link, settings.server.database).alone_at
    if alone:
        until = moment(int(alone) + zone.longest_life)
        yield "alone", f"its document was revoked at {moment(int(alone))}; closed until {until}"
