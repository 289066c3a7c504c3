"""Every recorded read of the real storage server, made again through a gateway, field by field."""

from __future__ import annotations

import io
import re
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.supabase.transforms import Bounds, Transform
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer
from tests.contract import replay
from tests.contract.replay import Exchange, Sent
from tests.contract.server import ContractServer
from tests.contract.server.desk import Backend
from tests.contract.server.objects import Write
from tests.contract.server.transforms import untokened

PICTURES = (("documents", "aaaaaaaa-0000-4000-8000-000000000001/scan.png"), ("pub", "img/logo.png"))
PICTURE_SIZE = 360_829


@cache
def picture() -> bytes:
    """A PNG of the recorded size that is really one; what it lacks is in a chunk nobody reads."""
    kept = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(kept, "PNG")
    octets = kept.getvalue()
    filling = b"faIr" + bytes(PICTURE_SIZE - len(octets) - 12)
    chunk = struct.pack(">I", len(filling) - 4) + filling + struct.pack(">I", zlib.crc32(filling))
    return octets[:-12] + chunk + octets[-12:]


@dataclass(frozen=True)
class Stage:
    """A gateway before a stand-in that shows one backend's quirks."""

    upstream: ContractServer
    gateway: Any
    signer: Signer

    def sent(self, exchange: Exchange) -> Sent:
        """The call, with a URL's token of ours where the record has one of the server's."""
        host = self.gateway.url.removeprefix("http://")
        if "claims" not in exchange.token:
            return replay.sent(exchange, self.upstream, host, time.time)
        token, expires = self.token(exchange.token)
        plain = replace(exchange, token={}, path=exchange.path.replace("{token}", token))
        return replace(replay.sent(plain, self.upstream, host, time.time), expires=expires)

    def token(self, facts: Mapping[str, Any]) -> tuple[str, int]:
        claims, state = facts["claims"], facts.get("state", "")
        bucket, _, key = claims["url"].partition("/")
        grant = Grant("inline", "original")
        if "transformations" in claims:
            options = untokened(claims["transformations"])
            wish = {**options, **({"format": claims["format"]} if "format" in claims else {})}
            name = Transform.of_body(wish, Bounds()).rendition_name()
            grant = Grant("inline", "exact", name)
        request = LinkRequest("clinic", bucket, key, grant, expires_in=facts["life"])
        now = int(time.time()) - (1_000 if state == "expired" else 0)
        link = self.signer.issue_storage(request, now)
        signature = link.signature[:-1] + ("A" if link.signature[-1] != "A" else "B")
        signature = signature if state == "tampered" else link.signature
        return f"{link.body}.{signature}", link.expires_at

    def answered(self, call: Sent) -> httpx.Response:
        url = httpx.URL(self.gateway.url).copy_with(raw_path=call.target.encode())
        with httpx.Client(headers={"accept": "*/*"}, timeout=30) as client:
            request = client.build_request(call.method, url, headers=call.fields, content=call.body)
            return client.send(request)

    def differences(self, exchange: Exchange) -> dict[str, str]:
        """What is otherwise than recorded, by field, status or body."""
        call = self.sent(exchange)
        answer = self.answered(call)
        if "application/json" not in answer.headers.get("content-type", ""):
            exchange = replace(exchange, json=None)
        elif "token=1." in answer.text:
            text = re.sub(r"1\.k1\.[\w.-]+", "{token}", answer.text)
            answer = httpx.Response(answer.status_code, headers=answer.headers, text=text)
        told = replay.differences(exchange, call, answer)
        return dict(_named(line) for line in told)


def _named(line: str) -> tuple[str, str]:
    """A line of the report, by what it is about."""
    if re.match(r"\d+ octets", line):
        return "body", line
    name = re.match(r"[\w-]+", line)
    assert name, line
    return name[0], line


@pytest.fixture(scope="module")
def stage(gateway_in: Callable[..., Any]) -> Iterator[Callable[[Backend, str], Stage]]:
    """Sets stages, one for each backend and each set of objects that was recorded."""
    stages: dict[tuple[str, str], Stage] = {}
    with ExitStack() as stack:

        def found(backend: Backend, client: str) -> Stage:
            only = client if client in ("storage3", "boto3") else "raw fetch"
            if (backend, only) not in stages:
                upstream = ContractServer(backend=backend, algorithm="ES256")
                replay.prepared(stack.enter_context(upstream), only)
                for bucket, key in PICTURES:
                    kept = upstream.shelf.find(bucket, key).write
                    write = Write(picture(), kept.media_type, kept.cache_control)
                    upstream.shelf.put(bucket, key, write)
                gateway = gateway_in(
                    supabase={
                        "url": upstream.url,
                        "service_key": upstream.service,
                        "jwt_secret": upstream.jwt_secret,
                        "jwks_url": f"{upstream.url}/auth/v1/.well-known/jwks.json",
                    },
                    stores={"main": {"url": "supabase:"}},
                    clinic={"buckets": ["documents", "pub"]},
                    renditions={"workers": 1},
                )
                gateway.secrets |= {upstream.service, upstream.anon, upstream.user_a, "report.pdf"}
                ring = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
                signer = Signer(ring, [SignedZone("clinic", 900, 86_400, False)])
                stages[backend, only] = Stage(upstream, gateway.start(), signer)
            return stages[backend, only]

        yield found


CASES = [
    pytest.param(backend, exchange, id=f"{backend}-{number}-{exchange.label}")
    for backend in ("file", "s3")
    for number, exchange in enumerate(replay.exchanges(backend))
]


@dataclass(frozen=True)
class Difference:
    """A row of docs/supabase.md, and what it stands for: answers by label, lines by what they tell.

    `told` is sought in each line, such as "status 304, recorded 200".
    """

    where: str
    fields: str
    why: str
    labels: str
    told: str = ""

    def covers(self, label: str, name: str, line: str) -> bool:
        known = name in {field.strip().lower() for field in self.fields.split(",")}
        return known and bool(re.fullmatch(self.labels, label)) and bool(re.search(self.told, line))


RENDERED = r".*(render|transform)(?! (?:token|route)).*"
UNCHANGED = r".* (INM (?:match|weak)|IMS same|INM other)"
DIFFERENCES = (
    Difference(
        "every answer",
        "Access-Control-Allow-Origin, X-Content-Type-Options, Referrer-Policy, X-Robots-Tag",
        "Pages of any origin may read what their user may; nothing is sniffed, indexed, or named "
        "to the next site. Supabase leaves this to what stands in front of it.",
        ".*",
        r"'(\*|nosniff|no-referrer|none)', recorded None",
    ),
    Difference(
        "every answer of the gateway's own",
        "Access-Control-Expose-Headers, Cross-Origin-Resource-Policy, Content-Security-Policy",
        "The same; of these, what is passed on has the policy `sandbox` alone. A PDF has no "
        "policy: it would be blanked.",
        ".*",
        "recorded None",
    ),
    Difference(
        "errors, answers that give signed URLs, what is passed on",
        "X-Request-ID",
        "Finds the line of the log.",
        ".*",
        "recorded None",
    ),
    Difference(
        "documents and renditions",
        "Cache-Status",
        "Says whether the gateway had it already (RFC 9211).",
        ".*",
        "'ostiary; (hit|fwd=miss)', recorded None",
    ),
    Difference(
        "documents and renditions",
        "CDN-Cache-Control, Cache-Tag",
        "What a CDN may keep, and the names it is purged by; each CDN has its own fields "
        "(docs/cdns.md).",
        ".*",
        "recorded None",
    ),
    Difference(
        "documents and renditions that are shown",
        "Content-Disposition",
        "The name to save them under, should somebody want to.",
        ".*",
        "'inline; filename=.*recorded None",
    ),
    Difference(
        "`download` and `download=name`",
        "Content-Disposition",
        "There always is a name, in quotes, with one that old browsers can read; what storage-js "
        "escapes twice is itself again.",
        ".*download.*",
        "'attachment; filename=\".*recorded [\"']attachment;",
    ),
    Difference(
        "signed URLs",
        "Cache-Control",
        "Supabase says nothing, so browsers and CDNs guess; here it is the zone's mode, never past "
        "the end of the link.",
        "signed.*",
        "'private, max-age=300, no-transform', recorded None",
    ),
    Difference(
        "signed URLs",
        "Expires",
        "Cache-Control says it, and counts from when the answer is sent.",
        "signed.*",
        "None, recorded '",
    ),
    Difference(
        "public objects and their renditions",
        "Cache-Control",
        "The stored max-age for browsers alone: shared caches read CDN-Cache-Control, which is no "
        "longer than the zone's ttl, or the field of their own.",
        "(render )?public.*",
        r"'private, max-age=\d+, no-transform', recorded",
    ),
    Difference(
        "authenticated and bare reads, and their renditions",
        "Cache-Control",
        "The next user of the same cache or browser has the same URL: it is asked for each time, "
        "and a 304 is cheap. Supabase says the stored max-age, without private.",
        "(?!signed|public|render public|info|S3).*",
        "'private, no-cache, no-transform', recorded",
    ),
    Difference(
        "what is passed on: lists, info, buckets, S3, tokens of Supabase's",
        "Cache-Control",
        "It was for this caller. Public objects keep what Supabase says.",
        "(?!signed (GET|HEAD)).*",
        "'private, no-store', recorded",
    ),
    Difference(
        "errors, and answers that give signed URLs",
        "Cache-Control",
        "Nobody keeps them.",
        ".*",
        "'no-store', recorded None",
    ),
    Difference(
        "answers that give signed URLs",
        "token, Content-Length",
        "The token is of the gateway's own making (docs/links.md): the same text for everybody who "
        "asks within a window, no longer than asked for, and it can be taken back.",
        ".*(createSignedUrl|create_signed_url).*",
    ),
    Difference(
        "renditions",
        "ETag, Last-Modified",
        "Each size and format has a tag of its own, and the time of its source; Supabase sends the "
        "source's tag with all of them.",
        RENDERED,
        r"etag: '\"[\w-]{22}\"', recorded '|last-modified: '.*recorded None",
    ),
    Difference(
        "renditions whose format follows Accept",
        "Vary",
        "Or a cache would show one browser's format to another.",
        RENDERED,
        "'Accept', recorded None",
    ),
    Difference(
        "renditions",
        "body, Content-Length, Content-Type",
        "Made here: AVIF and WebP for browsers that take them, else JPEG or PNG, and for "
        "`format=origin` what the source is, in signed URLs too. The record holds a stub.",
        RENDERED,
        r"octets, recorded 70|length: .*, recorded '70'|type: 'image/\w+', recorded 'image/",
    ),
    Difference(
        "renditions",
        "X-Transformations",
        "Names the steps of Supabase's image proxy, which is not asked. Sides end at "
        "`supabase.largest` (2,500), as on hosted projects; a server of your own ends them "
        "at 2,000.",
        RENDERED,
        "None, recorded '",
    ),
    Difference(
        "weak tags in If-None-Match, If-Modified-Since of the same second",
        "status, body, Content-Length",
        "304, as RFC 9110 has it: weak comparison, whole seconds.",
        ".* (INM weak|IMS same)",
        "status 304, recorded 200|0 octets|None, recorded '",
    ),
    Difference(
        "304",
        "Content-Type, Content-Length, Accept-Ranges",
        "What has no body describes none.",
        UNCHANGED + "|S3 GetObject If.*",
        "None, recorded '",
    ),
    Difference(
        "304 of what is kept at S3",
        "ETag, Last-Modified, Cache-Control",
        "A 304 renews what a cache holds, so it has the fields of the 200 (RFC 9110, section "
        "15.4.5).",
        UNCHANGED,
        "(etag|last-modified|cache-control): '.*recorded None",
    ),
    Difference(
        "If-Range with another version's tag",
        "status, body, Content-Length, Content-Range",
        "The whole document. Supabase sends the part, and two versions are joined into one file.",
        ".* If-Range",
        "status 200, recorded 206|octets, recorded 10|recorded '(10|bytes 0-9/.*)'",
    ),
    Difference(
        "several ranges in one request",
        "status, body, Content-Type, Content-Length, Content-Range, Accept-Ranges, ETag, "
        "Last-Modified, Cache-Control, Expires",
        "206 with all of them; Supabase refuses, or at S3 sends everything.",
        ".* Range multi",
    ),
    Difference(
        "a range past the end",
        "status, body, Content-Length, Content-Range",
        "416 with the true size; at S3 Supabase says 500.",
        ".* Range unsatisfiable",
    ),
    Difference(
        "a token of one route on the other",
        "status, body, Content-Type, Content-Length, Accept-Ranges, ETag, Last-Modified, Expires",
        "Refused: a thumbnail's URL opens neither the original nor another size.",
        "signed (object|render) token on (object|render) route",
        "status 400, recorded 200|: None, recorded|octets|'application/json|recorded '(70|360829)'",
    ),
    Difference(
        "a token of another document",
        "body, Content-Length",
        "InvalidJWT instead of InvalidSignature: its text proves nothing about this one, so it "
        "looks like any that was tampered with.",
        "signed: other object path",
    ),
    Difference(
        "a token that can not be read",
        "body, Content-Length",
        'One message for all of them, "Invalid Compact JWS".',
        "authenticated garbage jwt",
    ),
    Difference(
        "an authenticated rendition without Authorization",
        "body, Content-Length",
        "Whoever may read the document may have its renditions: Supabase is asked about the "
        "document, by `storage.object.get_authenticated`, and these are its words there. A policy "
        "that allows `storage.render.image_authenticated` alone allows nothing here.",
        "render authenticated no auth",
    ),
    Difference(
        "plain text",
        "Content-Type",
        "With its charset.",
        ".*",
        "'text/plain; charset=utf-8', recorded 'text/plain'",
    ),
    Difference(
        "preflights",
        "status, body, Content-Type, Content-Length, Vary, Access-Control-Allow-Methods, "
        "Access-Control-Allow-Headers, Access-Control-Max-Age",
        "Answered, with 204.",
        "OPTIONS preflight",
    ),
)


def rows_of(page: str) -> list[tuple[str, str, str]]:
    """The table below `## What differs`, its cells as they stand."""
    section = page.split("\n## What differs\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return [(where, fields, why) for where, fields, why in cells]


def test_the_page_tells_every_difference_with_its_reason() -> None:
    page = Path(__file__).parents[2] / "docs" / "supabase.md"
    told = [(row.where, row.fields, row.why) for row in DIFFERENCES]
    assert rows_of(page.read_text()) == told


@pytest.fixture(scope="module")
def seen() -> set[Difference]:
    """The rows that some answer was covered by."""
    return set()


@pytest.mark.parametrize(("backend", "exchange"), CASES)
def test_an_answer_differs_only_as_the_page_says(
    backend: Backend, exchange: Exchange, stage: Callable[..., Stage], seen: set[Difference]
) -> None:
    for name, line in stage(backend, exchange.client).differences(exchange).items():
        name = "token" if name == "tokens" else name
        covering = [row for row in DIFFERENCES if row.covers(exchange.label, name, line)]
        assert covering, line
        seen.update(covering)


def test_no_row_of_the_page_is_about_nothing(seen: set[Difference]) -> None:
    if len(seen) < 5:
        pytest.skip("nothing was compared before this test")
    assert [row.where for row in DIFFERENCES if row not in seen] == []
