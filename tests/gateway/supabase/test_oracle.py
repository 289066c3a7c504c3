"""The oracle in front of the contract server, whose policy lets each user see its own folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamRefused, UpstreamUnavailable
from gateway.permits import OWN
from gateway.supabase.callers import Caller
from gateway.supabase.costs import Costs
from gateway.supabase.decisions import Decisions
from gateway.supabase.messages import SignMany, SignOne
from gateway.supabase.oracle import How, Oracle
from gateway.supabase.upstream import NOBODY, Upstream
from signing.errors import Unsignable
from tests.contract.server import USER_A, USER_B, ContractServer, own_folder

T = TypeVar("T")
MISSING = "Either the object does not exist or you do not have access to it"
REPORT = f"{USER_A}/report.pdf"
NOTE = f"{USER_A}/a b+c (1).txt"
EMPTY = f"{USER_A}/empty"
FOREIGN = f"{USER_B}/report.pdf"
ONE = SignOne(600)
MANY = SignMany(600, ())


class Scene:
    """A contract server with documents of two users, and an oracle in front of it."""

    def __init__(self, **options: object) -> None:
        self.now = 1_800_000_000.0
        self.server = ContractServer(**options)
        for key in (REPORT, NOTE, FOREIGN):
            self.server.put("documents", key, b"%PDF", cache_control="max-age=120")
        self.server.put("documents", EMPTY, b"")
        self.server.put("pub", "logo.png", b"png", cache_control="max-age=31536000")
        self.decisions = Decisions(lambda: self.now)
        self.calls: list[tuple[str, str]] = []
        self.known: list[tuple[int, int]] = []
        self.costs = Costs(
            lambda operation, outcome, _: self.calls.append((operation, outcome)),
            lambda known, unknown: self.known.append((known, unknown)),
        )

    def caller(self, token: str) -> Caller:
        return Caller(f"Bearer {token}".encode(), self.server.anon.encode())

    @property
    def ann(self) -> Caller:
        return self.caller(self.server.user_a)

    @property
    def ben(self) -> Caller:
        return self.caller(self.server.user_b)

    def run(self, use: Callable[[Oracle], Awaitable[T]]) -> T:
        async def running() -> T:
            transport = httpx.ASGITransport(self.server.app)
            async with httpx.AsyncClient(transport=transport) as client:
                upstream = Upstream(client, "http://project.test")
                oracle = Oracle(upstream, self.decisions, self.costs)
                try:
                    return await use(oracle)
                finally:
                    await oracle.aclose()

        return asyncio.run(running())

    def sign(
        self, caller: Caller, key: str, *, bucket: str = "documents", fresh: bool = False
    ) -> str:
        return self.run(lambda oracle: oracle.sign_one(caller, bucket, key, ONE, fresh=fresh))

    def read(
        self,
        caller: Caller,
        route: How,
        key: str,
        *,
        bucket: str = "documents",
        method: str = "GET",
    ) -> int:
        return self.run(lambda oracle: oracle.read(caller, route, method, bucket, key)).max_age

    def said(self, ask: Callable[[], object]) -> tuple[int, object]:
        """Status and JSON of the answer that a refusal hands on."""
        with pytest.raises(UpstreamRefused) as caught:
            ask()
        answer = caught.value.answer
        return answer.status, json.loads(answer.body or b"null")

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path of what the server was asked, without nonces."""
        return [(ask.method, ask.path.removeprefix("/storage/v1")) for ask in self.server.requests]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_upstream_says_who_may_sign_and_its_no_is_handed_on(scene: Scene) -> None:
    url = scene.sign(scene.ann, NOTE)
    assert url.startswith(f"/object/sign/documents/{NOTE}?token=")
    no = {"statusCode": "404", "error": "not_found", "message": "Object not found"}
    assert scene.said(lambda: scene.sign(scene.ben, NOTE)) == (400, no | {"code": "NoSuchKey"})


def test_the_transform_and_the_lifetime_go_up(scene: Scene) -> None:
    body = SignOne(5, {"width": 20})
    url = scene.run(lambda oracle: oracle.sign_one(scene.ann, "documents", REPORT, body))
    assert url.startswith("/render/image/sign/documents/")
    assert scene.server.requests[0].json() == {"expiresIn": 5, "transform": {"width": 20}}


def test_a_yes_is_asked_for_once_in_thirty_seconds(scene: Scene) -> None:
    assert scene.sign(scene.ann, REPORT)
    assert scene.sign(scene.ann, REPORT) == ""
    assert len(scene.asked) == 1
    scene.now += 30
    assert scene.sign(scene.ann, REPORT)
    assert len(scene.asked) == 2


def test_a_url_of_upstreams_own_can_be_had_though_the_yes_is_known(scene: Scene) -> None:
    scene.sign(scene.ann, REPORT)
    assert scene.sign(scene.ann, REPORT, fresh=True)
    many = scene.run(lambda o: o.sign_many(scene.ann, "documents", [REPORT], MANY))
    fresh = scene.run(lambda o: o.sign_many(scene.ann, "documents", [REPORT], MANY, fresh=True))
    assert many[0].signed_url
    assert fresh[0].signed_url
    assert len(scene.asked) == 4


def test_a_no_is_asked_for_each_time(scene: Scene) -> None:
    for _ in range(2):
        scene.said(lambda: scene.sign(scene.ben, REPORT))
        scene.said(lambda: scene.read(scene.ben, "bare", REPORT))
    assert len(scene.asked) == 4


def test_a_known_yes_is_nobody_elses(scene: Scene) -> None:
    scene.sign(scene.ann, REPORT)
    scene.read(scene.ann, "bare", REPORT)
    scene.said(lambda: scene.sign(scene.ben, REPORT))
    scene.said(lambda: scene.sign(NOBODY, REPORT))
    scene.said(lambda: scene.read(scene.ben, "bare", REPORT))
    scene.said(lambda: scene.read(NOBODY, "bare", REPORT))


def test_policies_see_the_operation_and_so_does_the_memory() -> None:
    scene = Scene(policy=lambda question: question.operation == "storage.object.sign")
    assert scene.sign(scene.ann, REPORT)
    (sight,) = scene.run(lambda o: o.sign_many(scene.ann, "documents", [REPORT], MANY))
    assert sight.error == MISSING
    scene.said(lambda: scene.read(scene.ann, "authenticated", REPORT))


def test_no_field_but_the_credentials_reaches_a_policy() -> None:
    scene = Scene(policy=lambda question: not {"x-tenant", "cookie"} & set(question.fields))
    assert scene.sign(scene.ann, REPORT)


def test_many_are_one_call_and_each_has_its_answer_in_its_place(scene: Scene) -> None:
    keys = [FOREIGN, REPORT, "none", NOTE, REPORT]
    sights = scene.run(lambda oracle: oracle.sign_many(scene.ann, "documents", keys, MANY))
    assert [sight.key for sight in sights] == keys
    assert [sight.error for sight in sights] == [MISSING, "", MISSING, "", ""]
    assert [sight.allowed for sight in sights] == [False, True, False, True, True]
    assert sights[3].signed_url.startswith(f"/object/sign/documents/{NOTE}?token=")
    assert scene.asked == [("POST", "/object/sign/documents")]
    assert scene.server.requests[0].json()["paths"] == [FOREIGN, REPORT, "none", NOTE]


def test_of_many_only_those_not_yet_known_are_asked_for(scene: Scene) -> None:
    for keys in ([REPORT], [NOTE, REPORT, "none"], [REPORT, NOTE]):
        scene.run(lambda oracle, keys=keys: oracle.sign_many(scene.ann, "documents", keys, MANY))
    assert [ask.json()["paths"] for ask in scene.server.requests] == [[REPORT], [NOTE, "none"]]


def test_more_than_a_thousand_are_asked_for_in_as_few_calls_as_may_be(scene: Scene) -> None:
    keys = [f"{USER_A}/{number}" for number in range(1500)] + [REPORT]
    sights = scene.run(lambda oracle: oracle.sign_many(scene.ann, "documents", keys, MANY))
    assert [len(ask.json()["paths"]) for ask in scene.server.requests] == [1000, 501]
    assert [sight.key for sight in sights if sight.allowed] == [REPORT]


def test_many_for_a_caller_who_is_refused_altogether(scene: Scene) -> None:
    bad = scene.caller(scene.server.user_a[:-2] + "xx")
    status, body = scene.said(
        lambda: scene.run(lambda oracle: oracle.sign_many(bad, "documents", [REPORT], MANY))
    )
    assert (status, body["message"]) == (400, "signature verification failed")


@pytest.mark.parametrize("route", ["authenticated", "bare"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_is_asked_for_on_its_own_route(scene: Scene, route: How, method: str) -> None:
    assert scene.read(scene.ann, route, NOTE, method=method) == OWN
    below = "/object/" if route == "bare" else "/object/authenticated/"
    path = f"documents/{USER_A}/a%20b+c%20(1).txt"
    assert scene.asked == [(method, below + path)]
    (ask,) = scene.server.requests
    assert ask.fields.get("range") == ("bytes=0-0" if method == "GET" else None)
    assert scene.said(lambda: scene.read(scene.ben, route, NOTE, method=method))[0] == 400


def test_each_read_goes_to_an_address_that_no_cache_knows(scene: Scene) -> None:
    scene.read(scene.ann, "bare", REPORT)
    scene.now += 60
    scene.read(scene.ann, "bare", REPORT)
    assert len({ask.query_string for ask in scene.server.requests}) == 2


def test_a_public_object_is_asked_for_without_credentials_and_for_everybody(scene: Scene) -> None:
    for caller in (scene.ann, NOBODY, scene.ben):
        assert scene.read(caller, "public", "logo.png", bucket="pub") == 31_536_000
    (ask,) = scene.server.requests
    assert not {"authorization", "apikey"} & set(ask.fields)
    assert scene.said(lambda: scene.read(scene.ann, "public", REPORT))[0] == 400


def test_a_bucket_made_private_is_seen_at_once_when_it_is_told(scene: Scene) -> None:
    scene.read(NOBODY, "public", "logo.png", bucket="pub")
    scene.server.publish("pub", False)
    assert scene.read(NOBODY, "public", "logo.png", bucket="pub")
    scene.decisions.forget_bucket("pub")
    scene.said(lambda: scene.read(NOBODY, "public", "logo.png", bucket="pub"))


@pytest.mark.parametrize("backend", ["file", "s3"])
def test_an_object_without_octets_may_be_read(backend: str) -> None:
    scene = Scene(backend=backend)
    assert scene.read(scene.ann, "authenticated", EMPTY) == OWN
    scene.said(lambda: scene.read(scene.ben, "authenticated", EMPTY))


def test_a_refused_range_as_a_real_backend_words_it_is_a_yes(scene: Scene) -> None:
    body = {"statusCode": "416", "code": "S3Error", "error": "range", "message": "InvalidRange"}
    scene.server.faults.add(status=400, body=json.dumps(body), times=1)
    assert scene.read(scene.ann, "bare", REPORT) == OWN
    assert len(scene.asked) == 1


@pytest.mark.parametrize("status", [416, 500, 503])
def test_a_range_that_fails_is_asked_for_once_more_without(scene: Scene, status: int) -> None:
    scene.server.faults.add(status=status, times=1)
    assert scene.read(scene.ann, "bare", REPORT) == OWN
    assert ["range" in ask.fields for ask in scene.server.requests] == [True, False]
    scene.now += 60
    scene.server.faults.add(status=status, times=1)
    with pytest.raises(UpstreamRefused):
        scene.read(scene.ben, "bare", REPORT)


@pytest.mark.parametrize("status", [204, 302, 304, 500, 544])
def test_what_is_neither_yes_nor_no_is_unavailable_and_not_kept(scene: Scene, status: int) -> None:
    scene.server.faults.add(status=status, times=-1)
    for ask in (
        lambda: scene.sign(scene.ann, REPORT),
        lambda: scene.read(scene.ann, "bare", REPORT),
        lambda: scene.read(scene.ann, "bare", REPORT, method="HEAD"),
        lambda: scene.run(lambda oracle: oracle.sign_many(scene.ann, "documents", [NOTE], MANY)),
    ):
        with pytest.raises(UpstreamUnavailable):
            ask()
    assert len(scene.decisions) == 0


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"signedURL":""}', '{"signedURL":7}', "[" * 100_000, '{"signedurl":"/x"}'],
)
def test_a_yes_to_one_without_a_url_is_none(scene: Scene, body: str) -> None:
    scene.server.faults.add(status=200, body=body)
    with pytest.raises(UpstreamUnavailable):
        scene.sign(scene.ann, REPORT)
    assert len(scene.decisions) == 0


OPENED = f"/object/sign/documents/{NOTE}?token=x.y.z"
ELSEWHERE = [
    f"/object/sign/documents/{FOREIGN}?token=x.y.z",
    f"/object/sign/pub/{NOTE}?token=x.y.z",
    f"/object/upload/sign/documents/{NOTE}?token=x.y.z",
    f"/object/sign/documents/{NOTE}",
    f"/object/sign/documents/{NOTE}?token=",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_url_of_something_else_is_no_yes(scene: Scene, url: str) -> None:
    """As when a proxy in between gives out the answer to another question."""
    scene.server.faults.add(status=200, body=json.dumps({"signedURL": url}))
    with pytest.raises(UpstreamUnavailable):
        scene.sign(scene.ben, NOTE)
    scene.server.faults.add(status=200, body=json.dumps([line(url=url)]))
    with pytest.raises(UpstreamUnavailable):
        scene.run(lambda oracle: oracle.sign_many(scene.ben, "documents", [NOTE], MANY))
    assert len(scene.decisions) == 0


@pytest.mark.parametrize("url", [OPENED, OPENED.replace(" ", "%20"), "/render/image" + OPENED[7:]])
def test_a_url_of_the_object_is_a_yes_however_it_is_spelled(scene: Scene, url: str) -> None:
    scene.server.faults.add(status=200, body=json.dumps({"signedURL": url}))
    assert scene.sign(scene.ann, NOTE) == url


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", ["public", "authenticated", "bare"])
def test_a_page_of_whoever_stands_between_is_no_leave_to_read(
    scene: Scene, route: How, method: str
) -> None:
    """A sign of maintenance, a captive portal: 200 for whatever is asked, by whomever."""
    page = {"content-type": "text/html"}
    scene.server.faults.add(status=200, body="<html>Back soon", fields=page, times=-1)
    with pytest.raises(UpstreamUnavailable):
        scene.read(scene.ben, route, REPORT, method=method)
    assert len(scene.decisions) == 0


def test_a_front_door_that_gave_up_waiting_has_not_refused(scene: Scene) -> None:
    scene.server.faults.add(status=408, times=-1)
    with pytest.raises(UpstreamUnavailable):
        scene.sign(scene.ann, REPORT)


@pytest.mark.parametrize(("stated", "told"), [({"retry-after": "120"}, 120), ({}, 5)])
def test_an_upstream_that_is_away_says_for_how_long(
    scene: Scene, stated: dict[str, str], told: int
) -> None:
    scene.server.faults.add(status=503, fields={"server": "door", **stated})
    with pytest.raises(UpstreamUnavailable) as caught:
        scene.sign(scene.ann, REPORT)
    assert caught.value.retry_after == told


def line(path: object = NOTE, error: object = None, url: object = "/x") -> dict[str, object]:
    return {"path": path, "error": error, "signedURL": url}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        [line(), line()],
        [line(path="other", url=OPENED)],
        [line(error=7, url=OPENED)],
        [line(error="", url=None)],
        [line(url=None)],
        [line(url="")],
        [{"path": NOTE}],
        ["/x"],
        None,
        "[" * 100_000,
    ],
)
def test_lines_that_do_not_fit_the_question_are_no_answer(scene: Scene, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    scene.server.faults.add(status=200, body=text)
    with pytest.raises(UpstreamUnavailable):
        scene.run(lambda oracle: oracle.sign_many(scene.ann, "documents", [NOTE], MANY))
    assert len(scene.decisions) == 0


def test_an_error_wins_over_a_url_beside_it(scene: Scene) -> None:
    scene.server.faults.add(status=200, body=json.dumps([line(error="no", url="/x")]))
    (sight,) = scene.run(lambda o: o.sign_many(scene.ann, "documents", [NOTE], MANY))
    assert (sight.allowed, sight.error, sight.signed_url) == (False, "no", "")


@pytest.mark.parametrize(
    ("stated", "max_age"),
    [
        ("max-age=60", 60),
        ("public, Max-Age=60, immutable", 60),
        ('max-age="60"', 60),
        ("s-maxage=60", 0),
        ("max-age=60, s-maxage=600", 60),
        ("max-age=60, max-age=600", 0),
        ("no-cache", 0),
        ("max-age=60, no-cache", 0),
        ("private, max-age=60", 0),
        ("no-store, max-age=60", 0),
        ("max-age=-1", 0),
        ("max-age=1.5", 0),
        ("max-age", 0),
        ("", 0),
    ],
)
def test_a_public_object_is_kept_as_upstream_says(scene: Scene, stated: str, max_age: int) -> None:
    scene.server.put("pub", "x", b"x", cache_control=stated)
    assert scene.read(NOBODY, "public", "x", bucket="pub") == max_age


def test_equal_questions_at_one_time_are_one_call(scene: Scene) -> None:
    async def crowd(oracle: Oracle) -> None:
        await asyncio.gather(
            *[oracle.read(scene.ann, "bare", "GET", "documents", REPORT) for _ in range(20)],
            *[oracle.sign_one(scene.ann, "documents", REPORT, ONE) for _ in range(20)],
        )

    scene.server.think(20)
    scene.run(crowd)
    assert len(scene.asked) == len(scene.calls) == 2
    assert scene.known == [(0, 1)] * 40


def test_different_lifetimes_asked_for_at_one_time_are_different_calls(scene: Scene) -> None:
    async def two(oracle: Oracle) -> list[str]:
        bodies = [SignOne(60), SignOne(6000)]
        asks = [oracle.sign_one(scene.ann, "documents", REPORT, body) for body in bodies]
        return await asyncio.gather(*asks)

    scene.server.think(20)
    assert len(set(scene.run(two))) == 2


def test_a_no_to_one_caller_at_the_same_time_is_a_no(scene: Scene) -> None:
    async def both(oracle: Oracle) -> list[object]:
        asks = [
            oracle.read(caller, "bare", "GET", "documents", REPORT)
            for caller in (scene.ann, scene.ben)
        ]
        return list(await asyncio.gather(*asks, return_exceptions=True))

    scene.server.think(20)
    ann, ben = scene.run(both)
    assert not isinstance(ann, Exception)
    assert isinstance(ben, UpstreamRefused)


def test_who_asks_after_a_change_was_told_does_not_join_an_older_question(scene: Scene) -> None:
    async def overtaken(oracle: Oracle) -> None:
        first = asyncio.ensure_future(oracle.sign_one(scene.ann, "documents", REPORT, ONE))
        await asyncio.sleep(0)
        scene.decisions.forget("documents", REPORT)
        await asyncio.gather(first, oracle.sign_one(scene.ann, "documents", REPORT, ONE))
        assert await oracle.sign_one(scene.ann, "documents", REPORT, ONE) == ""

    scene.server.think(20)
    scene.run(overtaken)
    assert len(scene.asked) == 2


@pytest.mark.parametrize("key", ["a//b", "../x", "", "\udc80"])
def test_what_is_no_address_is_not_asked_for(scene: Scene, key: str) -> None:
    with pytest.raises(Unsignable):
        scene.sign(scene.ann, key)
    with pytest.raises(Unsignable):
        scene.read(scene.ann, "bare", key)
    assert scene.asked == []


def test_each_call_is_told_with_its_outcome_and_what_was_known_is_no_call(scene: Scene) -> None:
    for _ in range(2):
        scene.sign(scene.ann, REPORT)
        scene.read(scene.ann, "bare", REPORT)
    scene.said(lambda: scene.sign(scene.ben, REPORT))
    scene.server.faults.add(status=503, times=-1)
    with pytest.raises(UpstreamUnavailable):
        scene.read(scene.ben, "bare", REPORT)
    assert scene.calls == [
        ("sign", "answered"),
        ("read", "answered"),
        ("sign", "refused"),
        ("read", "unavailable"),
    ]
    assert scene.known == [(0, 1), (0, 1), (1, 0), (1, 0), (0, 1), (0, 1)]


def test_of_many_each_document_is_told_and_each_call(scene: Scene) -> None:
    for keys in ([REPORT], [NOTE, REPORT, "none", NOTE]):
        scene.run(lambda oracle, keys=keys: oracle.sign_many(scene.ann, "documents", keys, MANY))
    some = [f"{USER_A}/{number}" for number in range(1500)]
    scene.run(lambda oracle: oracle.sign_many(scene.ann, "documents", some, MANY))
    assert scene.calls == [("sign_many", "answered")] * 4
    assert scene.known == [(0, 1), (1, 2), (0, 1500)]


def test_a_yes_that_is_of_no_use_was_not_known(scene: Scene) -> None:
    scene.sign(scene.ann, REPORT)
    scene.sign(scene.ann, REPORT, fresh=True)
    scene.run(lambda o: o.sign_many(scene.ann, "documents", [REPORT], MANY))
    scene.run(lambda o: o.sign_many(scene.ann, "documents", [REPORT], MANY, fresh=True))
    assert scene.known == [(0, 1)] * 4


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sign", "many", "bare", "authenticated"]),
            st.booleans(),
            st.sampled_from([REPORT, NOTE, FOREIGN, "none"]),
        ),
        max_size=12,
    )
)
def test_whatever_was_asked_before_nobody_gets_what_the_policy_denies(
    asks: list[tuple[str, bool, str]],
) -> None:
    scene = Scene(policy=own_folder)

    async def allowed(oracle: Oracle, how: str, caller: Caller, key: str) -> bool:
        try:
            if how == "sign":
                await oracle.sign_one(caller, "documents", key, ONE)
            elif how == "many":
                return (await oracle.sign_many(caller, "documents", [key], MANY))[0].allowed
            else:
                route: How = "bare" if how == "bare" else "authenticated"
                await oracle.read(caller, route, "GET", "documents", key)
        except UpstreamRefused:
            return False
        return True

    async def all_of_them(oracle: Oracle) -> list[bool]:
        callers = {True: scene.ann, False: scene.ben}
        return [await allowed(oracle, how, callers[ann], key) for how, ann, key in asks]

    folders = {True: USER_A, False: USER_B}
    expected = [key.startswith(folders[ann]) for _, ann, key in asks]
    assert scene.run(all_of_them) == expected
