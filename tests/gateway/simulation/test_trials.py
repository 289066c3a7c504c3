"""Trials: small traffics whose outcome can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import pytest

from gateway.simulation.modes import Mode, modes
from gateway.simulation.networks import Layout
from gateway.simulation.outcomes import Outcome, Prices
from gateway.simulation.trials import Comparison, compare
from gateway.simulation.visits import Visit, Visits
from signing.windows import expiry, phase_of

BEGAN = 1_790_000_000
VISIT = Visit(BEGAN, phase_of("/d/one"), 1, "link", 1, inf, 1, "", 1_000, "whole", "")
NAMES = ("as logged", "view", "user", "5 min", "1 h", "edge")
ROOMY = Layout()


def at(seconds: float, **other: object) -> Visit:
    values: dict[str, object] = {**VISIT._asdict(), "at": BEGAN + seconds, **other}
    return Visit(**values)  # type: ignore[arg-type]


def outcomes(
    visits: list[Visit], layout: Layout = ROOMY, *, shielded: bool = False
) -> dict[str, Outcome]:
    return dict(zip(NAMES, of(compared(visits, modes(86_400), layout), shielded), strict=True))


def compared(visits: list[Visit], modes: Sequence[Mode], layout: Layout) -> Comparison:
    """The same, however many visits are led through the modes at once."""
    one = compare([Visits.of(visits)], modes, layout)
    several = compare([Visits.of([visit]) for visit in visits], modes, layout)
    assert (one.traffic, of(one, False), of(one, True)) == (
        several.traffic,
        of(several, False),
        of(several, True),
    )
    return one


def of(comparison: Comparison, shielded: bool) -> list[Outcome]:
    return [trial.counts.outcome(shielded=shielded) for trial in comparison.trials]


def hits(visits: list[Visit], layout: Layout = ROOMY, *, shielded: bool = False) -> list[int]:
    return [one.hits for one in outcomes(visits, layout, shielded=shielded).values()]


def test_three_viewers_at_once_with_a_token_each() -> None:
    visits = [at(0, viewer=number, token=number) for number in (1, 2, 3)]
    assert hits(visits) == [0, 0, 0, 2, 2, 2]


def test_one_viewer_with_one_token_twice() -> None:
    assert hits([at(0), at(1)]) == [1, 0, 1, 1, 1, 1]


def test_a_window_is_over_when_the_next_link_is_another() -> None:
    end = expiry(BEGAN, None, 300, 86_400, "/d/one")
    left = end - 300 - BEGAN  # the first second that makes a later link
    assert hits([at(0), at(left - 1, token=2), at(left, token=3)])[3] == 1
    assert hits([at(0), at(left - 1, token=2), at(left, token=3), at(left + 1, token=4)])[3] == 2


def test_the_forms_of_a_document_are_copies_of_their_own() -> None:
    assert hits([at(0), at(0, document=2, token=2)]) == [0] * 6


def test_a_public_url_is_the_same_in_every_mode() -> None:
    visits = [at(0, access="public"), at(4_000, access="public", viewer=2, token=0)]
    assert hits(visits) == [1] * 6


def test_a_public_url_among_links_stays_the_same() -> None:
    visits = [at(0), at(1, document=2, access="public"), at(2, token=2)]
    assert hits([*visits, at(4_000, document=2, access="public", token=0)])[3] == 2


def test_a_users_own_url_is_shared_with_nobody_as_it_is() -> None:
    visits = [at(0, access="user", token=0), at(1, access="user", token=0, viewer=2)]
    assert hits(visits) == [0, 0, 0, 1, 1, 1]
    assert hits([visits[0], visits[0]])[0] == 1


def test_a_logged_url_lives_as_long_as_its_token() -> None:
    visits = [at(0, expires_at=BEGAN + 10), at(9, expires_at=BEGAN + 10)]
    assert hits(visits)[0] == 1
    assert hits([*visits, at(10, expires_at=BEGAN + 10)])[0] == 1


def test_without_a_token_in_the_log_each_url_is_one_of_its_own() -> None:
    comparison = compared([at(0, token=0), at(1, token=0)], modes(60), ROOMY)
    assert comparison.trials[0].counts.outcome(shielded=False).hits == 0
    assert comparison.traffic.masked == 2


def test_copies_are_kept_for_the_ttl_at_most() -> None:
    visits = [at(0, access="public"), at(59, access="public"), at(60, access="public")]
    comparison = compared(visits, modes(60), ROOMY)
    assert [one.hits for one in of(comparison, shielded=False)] == [1] * 6


def test_each_edge_has_copies_of_its_own_and_a_shield_has_them_for_all() -> None:
    visits = [
        at(0, edge=edge, token=number) for number, edge in enumerate(("FRA", "LHR", "FRA"), 1)
    ]
    assert hits(visits)[3:] == [1, 1, 1]
    assert hits(visits, shielded=True)[3:] == [2, 2, 2]
    assert hits(visits, shielded=True)[1] == 0


def test_viewers_are_spread_over_the_edges_that_are_given() -> None:
    visits = [at(0, viewer=viewer, token=viewer) for viewer in (2, 3, 4)]
    assert hits(visits, Layout(edges=2))[5] == 1
    assert hits(visits, Layout(edges=1))[5] == 2


def test_a_small_cache_forgets() -> None:
    visits = [at(0), at(1, document=2), at(2)]
    assert hits(visits, Layout(capacity=1_999))[5] == 0
    assert hits(visits, Layout(capacity=2_000))[5] == 1


def test_browsers_answer_what_they_were_told_to_keep() -> None:
    visits = [at(0), at(299, token=2), at(301, token=3)]
    comparison = compared(visits, modes(86_400), Layout(browsers=True))
    edge = comparison.trials[5].counts
    visits_of = [edge[source].visits for source in ("browser", "edge", "shield", "origin")]
    assert visits_of == [1, 1, 0, 1]
    assert edge.outcome(shielded=False).requests == 2
    assert comparison.trials[0].counts["browser"].visits == 0


def test_the_origin_sends_the_whole_document_and_caches_what_was_asked_for() -> None:
    visits = [
        at(0),
        at(1, token=2, octets=100, body="part", edge="LHR"),
        at(2, token=3, octets=0, body="none"),
        at(3, token=4, octets=100, body="part"),
    ]
    edge = outcomes(visits)["edge"]
    assert edge == Outcome(requests=4, hits=2, hit_octets=100, origin_octets=2_000)
    assert outcomes(visits, shielded=True)["edge"] == Outcome(4, 3, 200, 1_000)
    assert edge.cost(Prices(cached=10**9, uncached=10**9)) == 2_100
    assert (edge.origin_requests, edge.hit_ratio) == (2, 0.5)


def test_no_requests_hit_nothing() -> None:
    assert Outcome(0, 0, 0, 0).hit_ratio == 0


def test_sizes_that_nobody_told_are_taken_for_the_average() -> None:
    visits = [at(0), at(1, document=2, octets=-1), at(2, document=3, octets=3_000)]
    visits += [at(3, document=4, octets=-1), at(4, document=4, octets=50), at(5, octets=400)]
    comparison = compared(visits, modes(60), ROOMY)
    assert comparison.traffic.octets == 1_000 + 1_000 + 3_000 + 2_000 + 50 + 400
    assert (comparison.traffic.guessed, comparison.traffic.documents) == (2, 4)


def test_what_the_caches_said_themselves_is_counted() -> None:
    words = ("hit", "miss", "", "hit")
    traffic = compared([at(n, cached=word) for n, word in enumerate(words)], [], ROOMY).traffic
    assert traffic.logged_ratio == pytest.approx(2 / 3)
    assert (traffic.seconds, traffic.judged) == (3, 3)
    assert compared([], [], ROOMY).traffic.logged_ratio == 0
