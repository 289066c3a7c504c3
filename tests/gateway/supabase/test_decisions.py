from __future__ import annotations

import pytest

from gateway.permits import OWN
from gateway.supabase.callers import Caller
from gateway.supabase.decisions import Decision, Decisions

ANN = Caller(b"Bearer ann", b"anon")
BEN = Caller(b"Bearer ben", b"anon")


class Clock:
    """Seconds of the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def decisions(clock: Clock) -> Decisions:
    return Decisions(clock)


def allow(
    decisions: Decisions,
    caller: Caller = ANN,
    operation: str = "sign",
    bucket: str = "b",
    key: str = "k",
) -> Decision:
    question = decisions.question(caller, operation, bucket, key)
    decision = question.yes()
    decisions.remember(question, decision)
    return decision


def test_a_yes_is_known_for_thirty_seconds(clock: Clock, decisions: Decisions) -> None:
    allow(decisions)
    clock.now += 29.9
    assert decisions.known(ANN, "sign", "b", "k")
    clock.now += 0.1
    assert decisions.known(ANN, "sign", "b", "k") is None


def test_the_time_counts_from_the_question(clock: Clock, decisions: Decisions) -> None:
    question = decisions.question(ANN, "sign", "b", "k")
    clock.now += 12
    decisions.remember(question, question.yes())
    clock.now += 18
    assert decisions.known(ANN, "sign", "b", "k") is None


def test_an_answer_that_took_too_long_is_not_kept(clock: Clock, decisions: Decisions) -> None:
    question = decisions.question(ANN, "sign", "b", "k")
    clock.now += 31
    decisions.remember(question, question.yes())
    assert len(decisions) == 0


def test_no_yes_outlives_the_callers_token(clock: Clock, decisions: Decisions) -> None:
    brief = Caller(b"Bearer brief", b"", expires_at=clock.now + 10)
    allow(decisions, brief)
    clock.now += 9.9
    assert decisions.known(brief, "sign", "b", "k")
    clock.now += 0.1
    assert decisions.known(brief, "sign", "b", "k") is None


@pytest.mark.parametrize(
    ("caller", "operation", "bucket", "key"),
    [
        (BEN, "sign", "b", "k"),
        (Caller(b"Bearer ann", b"other"), "sign", "b", "k"),
        (Caller(b"Bearer ann"), "sign", "b", "k"),
        (ANN, "sign_many", "b", "k"),
        (ANN, "sign", "c", "k"),
        (ANN, "sign", "b", "k/"),
        (ANN, "sign", "b/k", ""),
    ],
)
def test_a_yes_is_for_one_caller_operation_and_object(
    decisions: Decisions, caller: Caller, operation: str, bucket: str, key: str
) -> None:
    allow(decisions)
    assert decisions.known(caller, operation, bucket, key) is None
    assert decisions.known(ANN, "sign", "b", "k")


def test_many_keys_are_looked_up_in_their_order(decisions: Decisions) -> None:
    kept = [allow(decisions, key=key) for key in ("x", "y")]
    assert decisions.known_of(ANN, "sign", "b", ["y", "z", "x", "y"]) == [
        kept[1],
        None,
        kept[0],
        kept[1],
    ]


def test_a_told_change_of_an_object_makes_everybody_ask_again(decisions: Decisions) -> None:
    for caller in (ANN, BEN):
        for operation in ("sign", "GET bare"):
            allow(decisions, caller, operation)
    decisions.forget("b", "k")
    for caller in (ANN, BEN):
        for operation in ("sign", "GET bare"):
            assert decisions.known(caller, operation, "b", "k") is None


def test_a_told_change_of_a_bucket_makes_everybody_ask_again(decisions: Decisions) -> None:
    for key in ("x", "y"):
        allow(decisions, key=key)
    decisions.forget_bucket("b")
    assert decisions.known_of(ANN, "sign", "b", ["x", "y"]) == [None, None]


def test_a_change_leaves_most_others_alone(decisions: Decisions) -> None:
    keys = [str(number) for number in range(1000)]
    for key in keys:
        allow(decisions, key=key)
        allow(decisions, bucket="c", key=key)
    decisions.forget("b", "7")
    assert sum(map(bool, decisions.known_of(ANN, "sign", "b", keys))) > 900
    decisions.forget_bucket("b")
    assert sum(map(bool, decisions.known_of(ANN, "sign", "c", keys))) > 900


def test_a_yes_that_a_change_overtook_on_its_way_is_of_no_use(decisions: Decisions) -> None:
    question = decisions.question(ANN, "sign", "b", "k")
    decisions.forget("b", "k")
    decisions.remember(question, question.yes())
    assert decisions.known(ANN, "sign", "b", "k") is None
    assert decisions.question(ANN, "sign", "b", "k").place != question.place


def test_the_oldest_makes_room(clock: Clock) -> None:
    decisions = Decisions(clock, most=3)
    for key in "abc":
        allow(decisions, key=key)
    allow(decisions, key="a")
    allow(decisions, key="d")
    known = decisions.known_of(ANN, "sign", "b", "abcd")
    assert [bool(one) for one in known] == [True, False, True, True]


def test_what_has_ended_takes_no_memory(clock: Clock, decisions: Decisions) -> None:
    for key in "abc":
        allow(decisions, key=key)
    clock.now += 30
    allow(decisions, key="d")
    assert len(decisions) == 1


def test_a_clock_that_is_set_back_prolongs_nothing(clock: Clock, decisions: Decisions) -> None:
    allow(decisions)
    clock.now -= 3600
    assert decisions.known(ANN, "sign", "b", "k") is None


def test_what_is_not_public_is_its_callers_alone(clock: Clock, decisions: Decisions) -> None:
    question = decisions.question(ANN, "GET bare", "b", "k")
    assert question.yes() == Decision(clock.now + 30, OWN)
    assert question.yes(60) == Decision(clock.now + 30, 60)
    assert (question.bucket, question.key) == ("b", "k")
