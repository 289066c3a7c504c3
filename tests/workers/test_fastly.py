"""Fastly's VCL: read whole, and its judgement played through. Nothing here is Fastly itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cdn.facts import PROFILES
from gateway.edges import Backend
from gateway.edges.fastly import rendered
from tests.workers.statements import Player, Reader, Refused, Returned
from tests.workers.verdicts import CASES, NOW, ZONES, asked_for, facts_of, link, zone_of

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
BACKEND = Backend("gateway.example.org", 443)
READ = {zone: Reader(rendered(facts_of(zone), BACKEND)) for zone in ZONES}
TEXT = rendered(facts_of("clinic"), BACKEND)


def played(read: Reader, target: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """What becomes of a request: the verdict, and its values then."""
    asked = {
        "F_ostiary": "F_ostiary", "req.url": target, "req.method": "GET", "req.restarts": 0,
        "fastly.ff.visits_this_service": 0, "client.ip": "192.0.2.7", "req.backend": "",
        **more,
    }  # fmt: skip
    player = Player(read, NOW, asked)
    try:
        player.run("vcl_recv")
    except Refused:
        return "refuse", player.values
    except Returned as returned:
        return {"lookup": "accept", "pass": "pass"}[returned.args[0]], player.values
    raise AssertionError("vcl_recv ends with a return")


def test_every_vector_has_its_verdict() -> None:
    wrong = [
        case["name"]
        for case in CASES
        if played(READ[zone_of(case)], case["target"])[0] != case["edge"]
    ]
    assert wrong == []


def test_an_accepted_vector_goes_on_without_its_token() -> None:
    cases = [case for case in CASES if case["edge"] == "accept" and "class" in case]
    values = [played(READ[zone_of(case)], case["target"])[1] for case in cases]
    sent = [(value["req.url"], value["req.http.Ostiary-Token"]) for value in values]
    assert sent == [asked_for(case) for case in cases]


@pytest.mark.parametrize(
    ("rendition", "grant", "accept", "asked"),
    [
        ("w640", "ia", CHROME, "w640-avif"),
        ("p3-w640", "ia", CHROME, "p3-w640-webp"),
        ("w640", "ip", "image/avif;q=0", "w640-jpeg"),
        ("w640", "ix-w640", CHROME, "w640"),
        ("thumb", "ia", CHROME, "thumb"),
    ],
)
def test_what_accept_decides_is_asked_for_by_its_name(
    rendition: str, grant: str, accept: str, asked: str
) -> None:
    target = link(rendition, grant)
    verdict, values = played(READ["clinic"], target, **{"req.http.Accept": accept})
    assert (verdict, values["req.url"].split("/")[2]) == ("accept", asked)


def test_both_keys_open_until_one_is_taken_out() -> None:
    left = {kid: key for kid, key in facts_of("clinic").keys.items() if kid != "k1"}
    after = Reader(rendered(facts_of("clinic", keys=left), BACKEND))
    verdicts = [
        [played(read, link(kid=kid))[0] for kid in ("k1", "k2")] for read in (READ["clinic"], after)
    ]
    assert verdicts == [["accept", "accept"], ["refuse", "accept"]]


def test_what_clients_could_forge_is_forgotten() -> None:
    forged = ["Ostiary-Token", "Ostiary-Shield", "Ostiary-Edge-Way", "X-Original-URL"]
    said = {f"req.http.{name}": "share" for name in forged}
    verdict, values = played(READ["clinic"], link(aud="A" * 16), **said)
    assert verdict == "pass"
    assert {name for name in said if name in values} == {"req.http.Ostiary-Edge-Way"}
    assert played(READ["clinic"], "/metrics", **said)[0] == "refuse"


def test_a_length_of_zero_is_no_body() -> None:
    said = {"req.http.Content-Length": "0"}
    assert played(READ["clinic"], link(), **said)[0] == "accept"
    assert played(READ["clinic"], link()[:-1] + "!", **said)[0] == "refuse"


@pytest.mark.parametrize("token", [{}, {"req.http.Ostiary-Token": link().partition("?t=")[2]}])
def test_fields_for_caches_stay_there(token: dict[str, str]) -> None:
    names = {
        name.lower()
        for told in PROFILES.values()
        for name in (told.shared_field, told.tag_field)
        if name
    }
    said = {f"resp.http.{name}": "max-age=600" for name in names}
    told = {**said, "resp.http.Cache-Control": "private", **token}
    player = Player(READ["clinic"], NOW, {"fastly.ff.visits_this_service": 0, **told})
    with pytest.raises(Returned):
        player.run("vcl_deliver")
    assert not said.keys() & player.values.keys()
    inner = Player(READ["clinic"], NOW, {"fastly.ff.visits_this_service": 1, **told})
    with pytest.raises(Returned):
        inner.run("vcl_deliver")
    assert said.keys() <= inner.values.keys(), "the outer of Fastly's machines reads them"


def test_only_the_first_hop_judges() -> None:
    later = {"fastly.ff.visits_this_service": 1, "req.http.Ostiary-Edge-Way": "share"}
    assert played(READ["clinic"], "/d/original/clinic/b/-/k?c=iw0", **later)[0] == "accept"
    assert played(READ["clinic"], "/d/original/clinic/b/-/k?c=iw0")[0] == "refuse"


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ('"k2": "', '"k3": "'),
        (facts_of("clinic").keys["k2"], ""),
        (facts_of("clinic").keys["k2"], facts_of("clinic").keys["k1"]),
        ('set req.http.Ostiary-Edge-Way = "share";', ""),
        ("call ostiary_verify;", ""),
        ("std.atoi(now.sec)", 'std.atoi("")'),
    ],
)
def test_a_file_in_which_something_is_lost_refuses(whole: str, broken: str) -> None:
    assert whole in TEXT
    assert played(Reader(TEXT.replace(whole, broken)), link())[0] == "refuse"


def test_every_subroutine_of_fastly_keeps_its_macro() -> None:
    for name in re.findall(r"sub vcl_(\w+) \{", TEXT):
        body = TEXT.split(f"sub vcl_{name} {{")[1].split("\n}\n")[0]
        assert body.count(f"#FASTLY {name}\n") == 1


def test_no_short_string_has_an_escape() -> None:
    shorts = re.findall(r'(?<![{A-Z])"([^"\n]*)"(?![}A-Z])', TEXT)
    assert shorts
    assert not [short for short in shorts if "%" in short]


def test_it_says_that_it_was_not_run() -> None:
    assert "NOT RUN IN THE PROJECT'S TESTS" in TEXT


@pytest.mark.parametrize(("port", "tls"), [(443, True), (8080, False)])
def test_the_origin_is_asked_over_tls_at_443(port: int, tls: bool) -> None:
    text = rendered(facts_of("lab"), Backend("gateway.example.org", port))
    assert ('.ssl_cert_hostname = "gateway.example.org";' in text) is tls
    assert "access-control-allow-origin" in text
    assert "access-control-allow-origin" not in TEXT
