"""The CloudFront function's own code, in Node, with events of CloudFront's shape."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.edges.cloudfront import LARGEST
from gateway.problems import problem_for, render
from imaging.names.renditions import LADDER
from signing.errors import LinkRefused
from tests.workers.functions import Event, Functions, Made, code, made, sent_on, verdict
from tests.workers.verdicts import CASES, NAMES, OPEN, ZONES, asked_for, facts_of, link, zone_of

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Functions:
    return Functions(Path(tmp_path_factory.mktemp("functions")))


@pytest.fixture(scope="module")
def clinic() -> Made:
    return made(facts_of("clinic"))


@pytest.mark.engines
@pytest.mark.parametrize("zone", ZONES)
def test_every_vector_has_its_verdict(zone: str, functions: Functions) -> None:
    cases = [case for case in CASES if zone_of(case) == zone]
    answers = functions.answers(made(facts_of(zone)), [Event(case["target"]) for case in cases])
    wrong = [
        (case["name"], answer)
        for case, answer in zip(cases, answers, strict=True)
        if verdict(answer) != case["edge"]
    ]
    assert wrong == []


@pytest.mark.engines
@pytest.mark.parametrize("zone", ZONES)
def test_an_accepted_vector_goes_on_without_its_token(zone: str, functions: Functions) -> None:
    cases = [case for case in CASES if zone_of(case) == zone and "class" in case]
    cases = [case for case in cases if case["edge"] == "accept"]
    answers = functions.answers(made(facts_of(zone)), [Event(case["target"]) for case in cases])
    sent = [(sent_on(answer), answer["headers"]["ostiary-token"]["value"]) for answer in answers]
    assert sent == [asked_for(case) for case in cases]


@pytest.mark.engines
def test_what_accept_decides_is_asked_for_by_its_name(functions: Functions, clinic: Made) -> None:
    asked = [
        ("w640", "ia", CHROME, "w640-avif", "image/avif,image/webp,*/*"),
        ("w640", "ip", "IMAGE/WEBP , */*", "w640-webp", "image/webp,*/*"),
        ("w640", "ia", "image/avif;q=0", "w640-jpeg", "*/*"),
        ("p3-w640", "ia", CHROME, "p3-w640-webp", "image/avif,image/webp,*/*"),
        ("thumb", "ia", CHROME, "thumb", "image/avif,image/webp,*/*"),
        ("w640", "ix-w640", CHROME, "w640", "image/avif,image/webp,*/*"),
    ]
    events = [Event(link(name, grant), headers={"accept": a}) for name, grant, a, *_ in asked]
    answers = functions.answers(clinic, events)
    found = [(a["uri"].split("/")[2], a["headers"]["accept"]["value"]) for a in answers]
    assert found == [(name, shown) for *_, name, shown in asked]


@pytest.mark.engines
def test_what_clients_could_forge_does_not_go_on(functions: Functions, clinic: Made) -> None:
    brought = {
        "ostiary-token": "forged", "ostiary-shield": "forged", "ostiary-pass": "forged",
        "x-forwarded-for": "forged", "forwarded": "forged", "x-original-url": "forged",
        "x-real-ip": "forged",
        "authorization": "Bearer x", "range": "bytes=0-1",
    }  # fmt: skip
    events = [Event(link(), headers=brought), Event(link(aud="A" * 16), headers=brought)]
    shared, passed = functions.answers(clinic, events)
    assert "forged" not in str((shared, passed))
    assert set(shared["headers"]) == {"host", "accept", "ostiary-token", "range"}
    assert shared["cookies"] == {}
    assert passed["headers"]["authorization"] == {"value": "Bearer x"}
    assert passed["cookies"] == {"a": {"value": "b"}}


@pytest.mark.engines
def test_a_length_of_zero_is_no_body(functions: Functions, clinic: Made) -> None:
    said = {"content-length": "0"}
    good, bad = Event(link(), headers=said), Event(link()[:-1] + "!", headers=said)
    assert [verdict(answer) for answer in functions.answers(clinic, [good, bad])] == [
        "accept",
        "refuse",
    ]


@pytest.mark.engines
def test_no_two_passed_requests_have_one_key(functions: Functions, clinic: Made) -> None:
    target = link(jti="A" * 16)
    answers = functions.answers(clinic, [Event(target), Event(target)])
    assert len({answer["headers"]["ostiary-pass"]["value"] for answer in answers}) == 2
    assert {sent_on(answer) for answer in answers} == {target}


@pytest.mark.engines
def test_what_is_no_link(functions: Functions, clinic: Made) -> None:
    asked = {
        ("OPTIONS", link()): "pass",
        ("POST", "/v1/viewers/claim"): "pass",
        ("GET", "/storage/v1/object/public/a/b"): "pass",
        ("GET", "/metrics"): "refuse",
        ("POST", "/admin/purge"): "refuse",
        ("GET", link().split("?")[0] + "?c=iw0"): "refuse",
        ("GET", link().split("?")[0]): "refuse",
        ("HEAD", link()): "accept",
    }
    answers = functions.answers(clinic, [Event(target, method) for method, target in asked])
    assert [verdict(answer) for answer in answers] == [*asked.values()]


@pytest.mark.engines
@pytest.mark.parametrize("fault", ["no store", "store down", "no time", "no query"])
def test_a_function_whose_surroundings_break_refuses(
    fault: str, functions: Functions, clinic: Made
) -> None:
    targets = [link(), link()[:-1] + "_", link(aud="A" * 16), link("w640")]
    answers = functions.answers(clinic, [*map(Event, targets)], fault=fault)
    assert {verdict(answer) for answer in answers} == {"refuse"}


@pytest.mark.engines
@pytest.mark.parametrize(
    ("name", "lost"),
    [("target", "lost"), ("farthest", "lost"), ("zone", "lost")],
)
def test_a_function_that_lost_a_fact_refuses(
    name: str, lost: str, functions: Functions, clinic: Made
) -> None:
    broken = clinic._replace(text=clinic.text.replace(f'"{name}":', f'"{lost}":'))
    assert broken != clinic
    assert verdict(functions.answers(broken, [Event(link())])[0]) == "refuse"


@pytest.mark.engines
def test_a_key_that_is_gone_from_the_store_opens_nothing(
    functions: Functions, clinic: Made
) -> None:
    left = clinic._replace(store={"clinic.k1": clinic.store["clinic.k1"], "clinic.k2": ""})
    answers = functions.answers(left, [Event(link()), Event(link(kid="k1"))])
    assert [verdict(answer) for answer in answers] == ["refuse", "accept"]


@pytest.mark.engines
def test_both_keys_open_until_one_is_taken_out(functions: Functions, clinic: Made) -> None:
    asked = [Event(link(kid="k1")), Event(link(kid="k2"))]
    assert [*map(verdict, functions.answers(clinic, asked))] == ["accept", "accept"]
    left = {kid: key for kid, key in facts_of("clinic").keys.items() if kid != "k1"}
    after = made(facts_of("clinic", keys=left))
    assert after.text == clinic.text, "nothing has to be published"
    assert [*map(verdict, functions.answers(after, asked))] == ["refuse", "accept"]


@pytest.mark.engines
def test_a_refusal_is_the_gateways_own(functions: Functions, clinic: Made) -> None:
    open_zone = made(replace(facts_of("clinic"), cors=True))
    (refused,) = functions.answers(clinic, [Event("/d/x")])
    (shown,) = functions.answers(open_zone, [Event("/d/x")])
    assert (
        refused["body"]
        == render(problem_for(LinkRefused("x")), request_id="", html=False)[2].decode()
    )
    assert refused["headers"]["cache-control"] == {"value": "no-store"}
    assert "access-control-allow-origin" not in refused["headers"]
    assert shown["headers"]["access-control-allow-origin"] == {"value": "*"}


def test_the_keys_stand_in_the_store_and_not_in_the_code(clinic: Made) -> None:
    facts = facts_of("clinic")
    assert clinic.store == {f"clinic.{kid}": key for kid, key in facts.keys.items()}
    assert not any(key in clinic.text for key in facts.keys.values())


def test_the_function_is_small_enough_with_many_names() -> None:
    names = {f"w{rung}": OPEN for rung in LADDER} | {f"preset_{n}": () for n in range(40)}
    assert len(made(facts_of("clinic", names=names | NAMES)).text.encode()) <= LARGEST


# What CloudFront's runtime 2.0 does not know; `?.` and `??` would be errors there and not here.
@pytest.mark.parametrize(
    "construct",
    [r"\?\.", r"\?\?", r"\.\.\.", r"\bclass\b", r"\b(?:const|let|var) [\[{]", r"`", r"\brequire\b",
     r"\bfor \((?:const|let|var) \w+ of\b", r"\bimport\(", r"\bexport\b", r"\bsetTimeout\b",
     r"\beval\b", r"/[a-z]*y[a-z]*\b\.", r"=>"],
)  # fmt: skip
def test_the_function_keeps_to_the_runtime(construct: str, clinic: Made) -> None:
    assert not re.search(construct, code(clinic.text))
