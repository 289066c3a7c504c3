"""The survey of a project: the contract server, well and not well, and what is no project."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.survey.buckets import Bucket
from gateway.survey.checks import Check, failed, listed
from gateway.survey.probe import Probe
from gateway.survey.project import JWKS, Access, Survey, survey
from tests.contract.server import USER_A, ContractServer, Question, own_folder

NOW = 1_800_000_000.0
NAME = f"{USER_A}/secret name.pdf"
SERVER = ContractServer()


class Scene:
    """A project with one document, and all that is needed to look at it."""

    def __init__(self, **options: Any) -> None:
        self.server = ContractServer(**options)
        self.server.put("documents", NAME, b"%PDF")
        self.fields: dict[str, str] = {}
        self.access = Access(
            "http://project",
            self.server.service,
            self.server.anon,
            self.server.jwt_secret,
            f"http://project{JWKS}",
            seeking=True,
        )

    def look(self, **changes: Any) -> Survey:
        return asyncio.run(self._look(replace(self.access, **changes)))

    async def _look(self, access: Access) -> Survey:
        transport = httpx.ASGITransport(self.server.app, raise_app_exceptions=False)

        async def dated(response: httpx.Response) -> None:
            response.headers.update(self.fields)

        hooks = {"response": [dated]}
        async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
            found = await survey(Probe(client, access.url), access, lambda: NOW)
        for check in found.checks:
            secrets = (access.service_key, access.anon_key, access.jwt_secret, "secret name")
            assert not any(secret and secret in f"{check}" for secret in secrets)
        return found

    def check(self, name: str, **changes: Any) -> Check:
        return one(self.look(**changes), name)

    def states(self, **changes: Any) -> dict[str, str]:
        return {check.name: check.state for check in self.look(**changes).checks}


def one(found: Survey, name: str) -> Check:
    [check] = [check for check in found.checks if check.name == name]
    return check


@pytest.fixture
def scene() -> Scene:
    return Scene()


def token(role: str, **claims: Any) -> str:
    return SERVER.keys.user_token({"role": role, "exp": 2_110_743_207, **claims})


def test_all_is_well_where_it_is(scene: Scene) -> None:
    found = scene.look()
    assert not failed(found.checks)
    assert {check.state for check in found.checks} == {"ok"}
    assert found.buckets == (Bucket("pub", True), Bucket("documents", False))
    assert not found.published


def test_nothing_is_changed_by_a_look(scene: Scene) -> None:
    scene.look()
    paths = {(ask.method, ask.path.split("/")[3]) for ask in scene.server.requests}
    assert paths <= {("GET", "bucket"), ("GET", "v1"), ("POST", "object"), ("GET", "object")} | {
        ("GET", ".well-known")
    }
    assert not list(scene.server.events.told)


# The address ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "fields", "says"),
    [
        (308, "", {"location": "https://ref.supabase.co/storage/v1/bucket"}, "https://ref.supa"),
        (302, "", {"location": "/elsewhere"}, "redirect"),
        (302, "", {"location": "https://[broken"}, "redirect"),
        (404, "<html>", None, "ref.supabase.co"),
        (200, "<html>", None, "ref.supabase.co"),
        (403, "<html>", None, "ref.supabase.co"),
        (540, "paused", None, "paused"),
    ],
)
def test_what_is_no_storage_fails_with_a_hint(
    scene: Scene, status: int, body: str, fields: dict[str, str] | None, says: str
) -> None:
    scene.server.faults.add(status=status, body=body, fields=fields)
    found = scene.look()
    [check] = found.checks
    assert (check.name, check.state) == ("storage", "fail")
    assert says in f"{check.detail} {check.hint}"
    assert "/bucket" not in check.hint
    assert not found.buckets


def over_the_wire(url: str) -> Check:
    async def look() -> Survey:
        async with httpx.AsyncClient() as client:
            return await survey(Probe(client, url), Access(url, "key"), lambda: NOW)

    [check] = asyncio.run(look()).checks
    assert (check.name, check.state) == ("storage", "fail")
    return check


def test_a_port_without_a_server_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert over_the_wire(f"http://127.0.0.1:{port}").detail == "nobody listens there"


def test_tls_that_fails_is_told() -> None:
    with ContractServer() as server:
        assert over_the_wire(server.url.replace("http:", "https:")).detail == "TLS fails"


def test_a_name_without_a_host_is_told() -> None:
    assert "no host" in over_the_wire("http://nothing.invalid").detail


def played(error: Exception) -> Check:
    """What the survey says when asking ends so."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise error

    async def look() -> Survey:
        async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
            access = Access("http://project", "key")
            return await survey(Probe(client, access.url), access, lambda: NOW)

    [check] = asyncio.run(look()).checks
    return check


def test_silence_is_told() -> None:
    assert played(httpx.ReadTimeout("")).detail == "there is no answer in time"
    assert played(httpx.RemoteProtocolError("")).detail == "the connection breaks"


def test_an_answer_without_end_is_no_answer(scene: Scene) -> None:
    scene.server.faults.add(status=200, body="[" + " " * (9 << 20))
    assert scene.check("storage").state == "fail"


def test_a_project_that_breaks_off_in_the_middle_fails(scene: Scene) -> None:
    scene.server.faults.add(status=200, body=" " * (9 << 20), path="list-v2")
    assert failed(scene.look().checks)


# The service key -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "state", "says"),
    [
        (SERVER.service, "ok", "is one"),
        ("sb_secret_contract", "ok", "is one"),
        ("sb_secret_foreign", "fail", "refused"),
        ("sb_publishable_contract", "fail", "anon"),
        (SERVER.anon, "fail", "anon"),
        (SERVER.user_a, "fail", "authenticated"),
        (token("service_role", exp=1_700_000_000), "fail", "good until 2023-11-14"),
        (token("service_role", exp=int(NOW) + 86_400), "warn", "accepted until 2027-01-16"),
        (token("service_role") + "x", "fail", "refused"),
        (token("other_role"), "fail", "sees no bucket"),
        ("no key at all", "fail", "refused"),
        ("a.b.c", "fail", "refused"),
        ("", "warn", "there is none"),
    ],
)
def test_a_service_key_is_told_from_others(scene: Scene, key: str, state: str, says: str) -> None:
    check = scene.check("service key", service_key=key, jwt_secret="")
    assert (check.state, says in check.detail) == (state, True), check
    assert check.hint or state == "ok"


def test_a_role_of_its_own_that_sees_buckets_is_for_somebody_to_judge(scene: Scene) -> None:
    rows = json.dumps([{"id": "documents", "public": False}])
    scene.server.faults.add(status=200, body=rows, path="bucket", times=2)
    assert scene.check("service key", service_key=token("storage_reader")).state == "warn"
    assert scene.check("service key", service_key="opaque", jwt_secret="").state == "warn"


def test_without_a_good_key_nothing_inside_is_looked_at(scene: Scene) -> None:
    found = scene.look(service_key=scene.server.anon)
    assert {check.name for check in found.checks} == {"storage", "service key", "tokens"}
    assert not found.buckets


# Tokens --------------------------------------------------------------------------------------


def test_a_secret_that_did_not_sign_the_service_key_fails(scene: Scene) -> None:
    check = scene.check("tokens", jwt_secret="another secret, of 32 octets or more")
    assert check.state == "fail"
    assert "did not sign" in check.detail
    assert scene.check("tokens", jwt_secret="tiny").state == "fail"


def test_a_secret_can_not_be_tried_on_a_key_that_is_no_jwt(scene: Scene) -> None:
    check = scene.check("tokens", service_key="sb_secret_contract", jwt_secret="x" * 32)
    assert check.state == "ok"


def test_without_any_key_supabase_alone_judges(scene: Scene) -> None:
    check = scene.check("tokens", jwt_secret="")
    assert check.state == "warn"
    assert "Supabase alone" in check.detail
    assert "OSTIARY_SUPABASE__JWT_SECRET" in check.hint


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_published_keys_are_found(algorithm: str) -> None:
    scene = Scene(algorithm=algorithm)
    found = scene.look(service_key="sb_secret_contract", jwt_secret="")
    assert found.published
    assert one(found, "tokens") == Check(
        "tokens", "ok", f"verified by published keys ({algorithm})"
    )
    assert "and by published keys" in scene.check("tokens").detail


def test_a_project_between_secret_and_keys_needs_both() -> None:
    check = Scene(algorithm="ES256").check("tokens", jwt_secret="")
    assert check.state == "warn"
    assert "HS256 tokens are refused" in check.detail


@pytest.mark.parametrize("body", ["{}", "<html>", '{"keys": []}'])
def test_configured_keys_that_can_not_be_read_fail(body: str) -> None:
    scene = Scene(algorithm="ES256")
    scene.server.faults.add(status=200, body=body, path="jwks", times=-1)
    assert scene.check("tokens", seeking=False).state == "fail"
    assert not scene.look().published


def test_no_address_of_keys_is_no_fault_with_a_secret(scene: Scene) -> None:
    assert scene.check("tokens", jwks_url="", seeking=False).state == "ok"


# Clock, buckets, policies, bytes -------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "state", "says"),
    [
        ("Fri, 15 Jan 2027 08:00:00 GMT", "ok", "agrees"),
        ("Fri, 15 Jan 2027 08:00:05 GMT", "ok", "agrees"),
        ("Fri, 15 Jan 2027 08:00:06 GMT", "warn", "6 s behind"),
        ("Fri, 15 Jan 2027 07:59:00 GMT", "warn", "60 s ahead"),
    ],
)
def test_clocks_are_compared(scene: Scene, date: str, state: str, says: str) -> None:
    scene.fields = {"date": date}
    check = scene.check("clock")
    assert (check.state, says in check.detail) == (state, True), check


def test_no_date_is_no_clock(scene: Scene) -> None:
    scene.fields = {"date": "yesterday"}
    assert "clock" not in scene.states()


def test_buckets_are_chosen(scene: Scene) -> None:
    assert scene.look(buckets=("pub",)).buckets == (Bucket("pub", True),)
    found = scene.look(buckets=("documents", "dokuments"))
    assert one(found, "buckets").detail == "not there: dokuments"
    assert one(found, "buckets").hint == "there are: documents, pub"
    assert {check.name for check in found.checks}.isdisjoint({"policies", "bytes"})


def test_a_bucket_that_no_link_can_name_is_left_out(scene: Scene) -> None:
    scene.server.shelf.add_bucket("~odd")
    assert scene.states()["buckets"] == "ok"
    assert [check.state for check in scene.look().checks if check.name == "buckets"] == [
        "warn",
        "ok",
    ]
    assert "~odd" not in {bucket.name for bucket in scene.look().buckets}


def test_a_project_without_buckets_fails(scene: Scene) -> None:
    for name in ("pub", "documents"):
        scene.server.shelf.drop_bucket(name)
    assert scene.states()["buckets"] == "fail"


@pytest.mark.parametrize("answer", ["[1, {}, null]", '[{"id": ""}]', "[broken"])
def test_what_is_no_bucket_is_none(scene: Scene, answer: str) -> None:
    scene.server.faults.add(status=200, body=answer, path="bucket$")
    assert scene.check("buckets").state == "fail"


def anybody(question: Question) -> bool:
    return question.action == "select"


def signs_only(question: Question) -> bool:
    """A policy that reads the operation: names are hidden, but links are given."""
    return own_folder(question) or question.operation == "storage.object.sign"


@pytest.mark.parametrize("policy", [anybody, signs_only])
def test_a_private_bucket_that_is_open_to_anybody_is_told_loudly(
    policy: Callable[[Question], bool],
) -> None:
    scene = Scene(policy=policy)
    check = scene.check("policies")
    assert check.state == "warn"
    assert check.detail.startswith("ANYBODY")
    assert "documents" in check.detail
    assert scene.check("policies", anon_key="sb_publishable_contract").state == "warn"


def test_policies_are_not_judged_by_the_wrong_key(scene: Scene) -> None:
    assert scene.check("policies", anon_key="").detail.startswith("not tried")
    assert scene.check("policies", anon_key=scene.server.service).detail.startswith("not tried")


def test_without_private_buckets_there_is_nothing_to_try(scene: Scene) -> None:
    assert scene.check("policies", buckets=("pub",), anon_key="").state == "ok"


def test_a_list_that_can_not_be_read_opens_nothing(scene: Scene) -> None:
    scene.server.faults.add(status=200, body="<html>", path="object/list/", times=-1)
    assert scene.check("policies").state == "ok"


def test_an_empty_project_can_not_be_read_from_yet(scene: Scene) -> None:
    scene.server.shelf.drop("documents", NAME)
    assert "no document yet" in scene.check("bytes").detail


def test_an_empty_document_will_do(scene: Scene) -> None:
    scene.server.put("documents", NAME, b"")
    assert scene.check("bytes").state == "ok"


def test_names_that_no_link_can_have_are_passed_over(scene: Scene) -> None:
    rows = {"objects": [1, {"name": "a//b"}, {"name": NAME}]}
    scene.server.faults.add(status=200, body=json.dumps(rows), path="list-v2/documents")
    assert "strong ETag" in scene.check("bytes").detail


def test_a_server_without_the_second_way_to_list_is_no_fault(scene: Scene) -> None:
    scene.server.faults.add(status=404, body="{}", path="list-v2", times=-1)
    assert "no document yet" in scene.check("bytes").detail


@pytest.mark.parametrize(
    ("status", "etag", "state"),
    [(206, '"a"', "ok"), (206, 'W/"a"', "warn"), (206, "", "fail"), (500, '"a"', "fail")],
)
def test_what_comes_of_a_document_is_judged(
    scene: Scene, status: int, etag: str, state: str
) -> None:
    fields = {"etag": etag} if etag else {"x": "y"}
    scene.server.faults.add(status=status, body="%", fields=fields, path="object/authenticated")
    check = scene.check("bytes")
    assert check.state == state
    assert check.hint or state == "ok"


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(12)), most=2) == "0, 1 and 10 more"
