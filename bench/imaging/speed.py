"""Pictures scaled and encoded through HTTP, each for the first time, beside other servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from bench.documents import Documents
from bench.imaging.copies import Copies
from bench.imaging.memory import Memory, watching
from bench.imaging.pictures import photos
from bench.imaging.readers import drive, got
from bench.imaging.scores import scores
from bench.load import Load, middle, times
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.peers.imagers import QUALITY, Imager, image_filter, ipx, thumbor_pillow
from bench.processes import Server
from bench.table import Goal, Row

WIDTH = 640
OURS, EQUAL = "ostiary, as it chooses", "ostiary, told the same quality"
IPX, THUMBOR, NGINX = "ipx", "thumbor", "nginx image_filter"
FORMATS = ("jpeg", "webp", "avif")
GOALS = {"jpeg": Goal(1.6), "webp": Goal(1.25), "avif": Goal(20)}
NO_LESS = Goal(0)
MEMORY = Goal(200, most=True)
QUIET = ("[renditions]", "improve = false")
_ROUNDS, _SECONDS, _MOST = 3, 2.5, 60
"""Rounds, the seconds of one, and how many pictures a second nobody makes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One server asked for one format: which, and the target for a name."""

    server: Server
    target: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server answered for each photograph: octets and scores."""

    octets: Sequence[int]
    scores: Sequence[float]

    def __str__(self) -> str:
        mean = sum(self.octets) / len(self.octets) / 1e3
        return f"{mean:.1f} kB, SSIMULACRA2 {', '.join(f'{one:.1f}' for one in self.scores)}"


def run(folder: Path) -> list[Row]:
    """Drive all servers in turn, format by format, over three rounds; then score their answers."""
    documents, originals = Documents(folder / "docs"), [photo.body for photo in photos()]
    documents.bucket.mkdir(parents=True)
    copies = Copies(documents, originals)
    with ExitStack() as started:
        store = folder_store(documents.root)
        # Nobody's finished pictures are kept in memory, so that all weigh what rendering takes.
        gateway = started.enter_context(ostiary(folder, store, memory=0, more=QUIET))
        others = {
            name: started.enter_context(start(folder, documents.bucket))
            for name, start in ((IPX, ipx), (THUMBOR, thumbor_pillow), (NGINX, image_filter))
        }
        servers = {OURS: gateway.server, **{name: one.server for name, one in others.items()}}
        with watching(servers) as memory:
            found = {
                format: _measured(copies, asked(gateway, others, format)) for format in FORMATS
            }
        answers = _answered(copies, {f: asked(gateway, others, f) for f in FORMATS}, originals)
        rows = [row for format in FORMATS for row in compared(format, found[format], answers)]
        return [*rows, *weighed(memory)]


def asked(gateway: Ostiary, others: Mapping[str, Imager], format: str) -> dict[str, Asked]:
    """Who is asked for a format, and how."""
    exact = f"w{WIDTH}-q{QUALITY[format]}-{format}"
    ours = {
        OURS: Asked(gateway.server, lambda name: gateway.link(name, f"w{WIDTH}-{format}")),
        EQUAL: Asked(gateway.server, lambda name: gateway.exact(name, exact)),
    }
    return ours | {
        name: Asked(one.server, partial(one.target, WIDTH, format))
        for name, one in others.items()
        if format in one.formats
    }


def compared(
    format: str,
    found: Mapping[str, Sequence[Load]],
    answers: Mapping[tuple[str, str], Answers],
) -> list[Row]:
    """Each server's figures, then ours to the best of the others': rate, and nearness."""
    told = {name: middle(loads) for name, loads in found.items()}
    title, n = format.upper(), told[EQUAL].requests
    peers = [name for name in found if name not in (OURS, EQUAL)]
    against = [IPX] if format == "avif" else peers
    best = min(times(found[EQUAL], found[name]) for name in against)
    nearer = min(
        ours - theirs
        for name in peers
        for ours, theirs in zip(
            answers[format, EQUAL].scores, answers[format, name].scores, strict=True
        )
    )
    beside = "ipx at its own effort" if format == "avif" else "the best of them"
    return [
        *(
            Row(f"{title}: {name}", f"{_rate(load)}; {answers[format, name]}", load.requests)
            for name, load in told.items()
        ),
        Row.judged(f"{title}: rate to {beside}", best, "x", n, GOALS[format]),
        Row.judged(f"{title}: SSIMULACRA2 above theirs, the least", nearer, "", n, NO_LESS),
    ]


def weighed(memory: Memory) -> Iterable[Row]:
    """The most that each held meanwhile; ours is held to a goal, and to the stricter figure."""
    for name, resident in memory.resident.items():
        own = f"{memory.own[name]:.0f} MB"
        what = "ostiary, two render workers" if name == OURS else name
        if name == OURS:
            yield Row.judged(f"resident at most: {what}", resident, " MB", 1, MEMORY)
        else:
            yield Row(f"resident at most: {what}", f"{resident:.0f} MB", 1)
        yield Row(f"the same, what is shared counted once: {what}", own, 1)


def _measured(copies: Copies, parties: Mapping[str, Asked]) -> dict[str, list[Load]]:
    for party in parties.values():
        _driven(copies, party, 8)
    found: dict[str, list[Load]] = {name: [] for name in parties}
    for _ in range(_ROUNDS):
        for name, party in parties.items():
            found[name].append(_driven(copies, party, int(_SECONDS * _MOST)))
    return found


def _driven(copies: Copies, party: Asked, number: int) -> Load:
    with copies.made(number) as names:
        return drive(party.server, [party.target(name) for name in names], _SECONDS)


def _answered(
    copies: Copies, parties: Mapping[str, Mapping[str, Asked]], originals: Sequence[bytes]
) -> dict[tuple[str, str], Answers]:
    """What everybody answers for each photograph, with its scores."""
    with copies.made(len(originals)) as names:
        bodies = {
            (format, name): [got(party.server, party.target(one))[0] for one in names]
            for format, asked in parties.items()
            for name, party in asked.items()
        }
    pairs = (zip(some, originals, strict=True) for some in bodies.values())
    judged = iter(scores([*chain.from_iterable(pairs)]))
    return {
        which: Answers([len(body) for body in got], [next(judged) for _ in got])
        for which, got in bodies.items()
    }


def _rate(load: Load) -> str:
    return f"{load.rate:.1f} req/s, p50 {load.p50:.0f} ms, {load.cpu / 1e3:.0f} ms CPU"
