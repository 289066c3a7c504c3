"""The formats of access logs: the same request in each, and what is no line of theirs."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulation.entries import Entry
from gateway.simulation.formats import BROKEN, FORMATS, recognised

AT = datetime(2026, 11, 23, 7, 37, 51, tzinfo=UTC).timestamp()
TARGET = "/storage/v1/object/sign/documents/a%20b.pdf?token=abc"
EXPECTED = Entry(AT, "GET", TARGET, 200, 30_000, "203.0.113.7", "FRA", "hit")

NGINX = (
    '203.0.113.7 - - [23/Nov/2026:07:37:51 +0000] "GET ' + TARGET + ' HTTP/2.0" 200 30000 '
    '"https://app.example.org/" "Mozilla/5.0 (X11) [x]" HIT'
)
HEADING = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type"
)
PATH, _, QUERY = TARGET.partition("?")
CLOUDFRONT = "\t".join(
    (
        *("2026-11-23", "07:37:51", "FRA56-P1", "30000", "203.0.113.7", "GET"),
        *("d1.cloudfront.net", PATH, "200", "-", "Mozilla/5.0", QUERY, "-", "Hit", "id", "host"),
    )
)
CLOUDFLARE = {
    "ClientIP": "203.0.113.7",
    "ClientRequestMethod": "GET",
    "ClientRequestURI": TARGET,
    "EdgeColoCode": "FRA",
    "EdgeResponseBytes": 30_000,
    "EdgeResponseStatus": 200,
    "EdgeStartTimestamp": "2026-11-23T07:37:51Z",
    "CacheCacheStatus": "hit",
}
FLAT = {
    "request.method": "GET",
    "request.path": PATH,
    "request.search": f"?{QUERY}",
    "request.headers.cf_connecting_ip": "203.0.113.7",
    "request.cf.colo": "FRA",
    "response.status_code": "200",
    "response.headers.content_length": "30000",
    "response.headers.cf_cache_status": "HIT",
}
NESTED = {
    "request": [
        {
            "method": "GET",
            "path": PATH,
            "search": f"?{QUERY}",
            "headers": [{"cf_connecting_ip": "203.0.113.7"}],
            "cf": [{"colo": "FRA"}],
        }
    ],
    "response": [
        {
            "status_code": 200,
            "headers": [{"content_length": "30000", "cf_cache_status": "HIT"}],
        }
    ],
}
OLD = {"timestamp": int(AT) * 10**6, "event_message": "GET | 200", "metadata": [NESTED]}
NEW = {"timestamp": "2026-11-23T07:37:51", "source": "edge_logs", "log_attributes": FLAT}

EDGES = {"nginx": "", "cloudfront": "FRA56"}

SAMPLES = [
    ("nginx", NGINX),
    ("cloudfront", CLOUDFRONT),
    ("cloudflare", json.dumps(CLOUDFLARE)),
    ("supabase", json.dumps(OLD)),
    ("supabase", json.dumps(NEW) + ",\n"),
]


def read(name: str, *lines: str) -> Entry | None:
    """What the last of the lines says."""
    log = FORMATS[name]()
    return [log.entry(line) for line in lines][-1]


@pytest.mark.parametrize(("name", "line"), SAMPLES)
def test_each_format_tells_the_same_request(name: str, line: str) -> None:
    expected = EXPECTED._replace(edge=EDGES.get(name, "FRA"))
    assert read(name, line) == expected


@pytest.mark.parametrize(("name", "line"), SAMPLES)
def test_the_format_is_told_by_the_first_lines(name: str, line: str) -> None:
    assert recognised(["", "garbage", line]) == name


def test_what_no_format_reads_has_no_format() -> None:
    assert recognised(["garbage", "{}", "#Fields: a b"]) == ""


def test_a_heading_orders_the_lines_below_it() -> None:
    assert read("cloudfront", "#Version: 1.0") is None
    names = HEADING.split()[1:]
    turned = "#Fields: " + " ".join(reversed(names))
    line = "\t".join(reversed(CLOUDFRONT.split("\t")[: len(names)]))
    assert read("cloudfront", turned, line) == EXPECTED._replace(edge="FRA56")
    assert read("cloudfront", turned, line, HEADING, CLOUDFRONT) == EXPECTED._replace(edge="FRA56")


@pytest.mark.parametrize("word", ["-", "Redirect", "Error"])
def test_a_cloudfront_answer_without_a_lookup_has_no_verdict(word: str) -> None:
    entry = read("cloudfront", CLOUDFRONT.replace("\tHit\t", f"\t{word}\t"))
    assert entry is not None
    assert entry.cached == ""


def test_a_cloudfront_url_without_a_query_has_no_question_mark() -> None:
    entry = read("cloudfront", CLOUDFRONT.replace(QUERY, "-"))
    assert entry is not None
    assert entry.target == PATH


@pytest.mark.parametrize("number", [AT, AT * 10**3, AT * 10**6, AT * 10**9])
def test_a_time_may_be_a_number_of_any_unit(number: float) -> None:
    entry = read("cloudflare", json.dumps({**CLOUDFLARE, "EdgeStartTimestamp": int(number)}))
    assert entry is not None
    assert entry.at == pytest.approx(AT)


def test_what_a_row_lacks_is_unknown() -> None:
    least = {
        name: CLOUDFLARE[name]
        for name in ("ClientRequestMethod", "ClientRequestURI", "EdgeResponseStatus")
    }
    entry = read("cloudflare", json.dumps({**least, "EdgeEndTimestamp": AT}))
    assert entry == Entry(AT, "GET", TARGET, 200, -1, "", "", "")


def test_a_size_out_of_reason_is_unknown() -> None:
    entry = read("cloudflare", json.dumps({**CLOUDFLARE, "EdgeResponseBytes": 1 << 70}))
    assert entry is not None
    assert entry.octets == -1


def test_nginx_lines_may_tell_nothing_of_caches_sizes_and_protocols() -> None:
    line = f'- - ana b [23/Nov/2026:08:37:51 +0100] "GET {TARGET}" 304 - "-" "curl"'
    assert read("nginx", line) == Entry(AT, "GET", TARGET, 304, -1, "-", "", "")


@pytest.mark.parametrize("bracket", ["[", "]", ""])
def test_the_brackets_of_an_array_hold_no_request(bracket: str) -> None:
    assert read("supabase", bracket) is None


@pytest.mark.parametrize(
    "row",
    [
        {"timestamp": 1, "metadata": [{"request": [], "response": []}]},
        {"timestamp": 1, "metadata": "text"},
        {"timestamp": [1], "log_attributes": FLAT},
        {"timestamp": {}, "log_attributes": {}},
        [],
    ],
)
def test_a_row_of_something_else_is_broken(row: object) -> None:
    with pytest.raises(BROKEN):
        read("supabase", json.dumps(row))


@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_lines_are_refused_and_never_worse(
    sample: tuple[str, str], data: st.DataObject
) -> None:
    name, line = sample
    at = data.draw(st.integers(0, len(line) - 1))
    damaged = line[:at] + data.draw(st.text(max_size=8)) + line[at + data.draw(st.integers(0, 8)) :]
    with suppress(*BROKEN):
        assert isinstance(read(name, damaged), Entry | None)


@pytest.mark.parametrize("time", ["1e999", "9" * 400, "0", "-5", "nan", "Infinity", 10**30])
def test_a_time_out_of_reason_is_broken(time: object) -> None:
    with pytest.raises(BROKEN):
        read("cloudflare", json.dumps({**CLOUDFLARE, "EdgeStartTimestamp": time}))


@pytest.mark.parametrize("name", ["cloudflare", "supabase"])
def test_a_line_nested_too_deeply_is_broken(name: str) -> None:
    with pytest.raises(BROKEN):
        read(name, "[" * 60_000)


def test_half_a_character_is_replaced() -> None:
    entry = read("cloudflare", json.dumps({**CLOUDFLARE, "ClientIP": "\ud800ä"}))
    assert entry is not None
    assert entry.client == "?ä"


def test_a_hostile_line_costs_no_time() -> None:
    for part in ("[", '"', "a [", "1 - - ["):
        with pytest.raises(BROKEN):
            read("nginx", part * (60_000 // len(part)))
