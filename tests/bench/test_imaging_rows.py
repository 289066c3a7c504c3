"""The tables of renditions: what is compared with what, and what is held to a goal."""

from __future__ import annotations

import pytest

from bench.imaging import crowd, ladder, nearness, speed, weights
from bench.imaging.memory import Memory
from bench.imaging.nearness import FIRST, FIXED, IMPROVED, QUALITIES, Point
from bench.imaging.pictures import SCANNED
from bench.imaging.speed import EQUAL, IPX, NGINX, OURS, THUMBOR, Answers
from bench.imaging.weights import Weight
from bench.load import Load
from bench.ostiary import counted
from bench.table import Row


def row(rows: list[Row], what: str) -> Row:
    (found,) = [row for row in rows if row.what == what]
    return found


def load(rate: float = 10, cpu: float = 0) -> Load:
    return Load(7, rate, 90, 95, cpu)


def answers(format: str, **scores: float) -> dict[tuple[str, str], Answers]:
    names = {"ours": OURS, "equal": EQUAL, "ipx": IPX, "thumbor": THUMBOR, "nginx": NGINX}
    return {(format, names[who]): Answers([30_000], [one]) for who, one in scores.items()}


def test_the_rate_is_held_against_the_best_of_the_others_at_equal_quality() -> None:
    found = {
        OURS: [load(90)],
        EQUAL: [load(48)],
        IPX: [load(20)],
        THUMBOR: [load(32)],
        NGINX: [load(4)],
    }
    told = answers("jpeg", ours=70, equal=80, ipx=79.5, thumbor=78, nginx=80.25)
    rows = speed.compared("jpeg", found, told)
    rate = row(rows, "JPEG: rate to the best of them")
    assert (rate.figure, rate.goal, rate.verdict) == ("1.5x", "≥ 1.6x", "MISS")
    nearer = row(rows, "JPEG: SSIMULACRA2 above theirs, the least")
    assert (nearer.figure, nearer.verdict) == ("-0.25", "MISS")
    assert row(rows, f"JPEG: {IPX}").figure.endswith("30.0 kB, SSIMULACRA2 79.5")


def test_avif_is_held_against_ipx_at_its_own_effort() -> None:
    found = {OURS: [load(33)], EQUAL: [load(33)], IPX: [load(1.5)], THUMBOR: [load(8)]}
    told = answers("avif", ours=75, equal=75, ipx=74, thumbor=75)
    rows = speed.compared("avif", found, told)
    assert row(rows, "AVIF: rate to ipx at its own effort").figure == "22x"
    assert row(rows, "AVIF: SSIMULACRA2 above theirs, the least").verdict == "pass"


def test_our_memory_is_judged_by_the_stricter_figure() -> None:
    rows = list(speed.weighed(Memory({OURS: 201, IPX: 300}, {OURS: 150, IPX: 290})))
    ours = row(rows, "resident at most: ostiary, two render workers")
    assert (ours.figure, ours.verdict) == ("201 MB", "MISS")
    assert row(rows, f"resident at most: {IPX}").verdict == ""


def test_a_curve_is_read_between_its_points_and_not_beyond_its_ends() -> None:
    curve = [Point(300, 80), Point(100, 60), Point(200, 70)]
    assert nearness.octets_at(curve, 65) == 150
    assert nearness.octets_at(curve, 70) == 200
    assert (nearness.octets_at(curve, 1), nearness.octets_at(curve, 99)) == (100, 300)


def test_what_is_improved_is_compared_with_a_quality_that_is_no_worse() -> None:
    points = {("jpeg", quality): Point(1_000 * quality, quality) for quality in QUALITIES}
    points |= {("jpeg", FIRST): Point(70_000, 71), ("jpeg", IMPROVED): Point(40_000, FIXED)}
    rows = nearness.rows("jpeg", points, 2)
    same = row(rows, "JPEG: improved, to one quality for all with the same worst")
    assert (same.figure, same.verdict) == ("0.5x", "pass")
    assert row(rows, "JPEG: first answers").figure == "35.0 kB, worst 71.0"


def weight(kind: str, automatic: int, width: int = 640) -> Weight:
    chosen = {"JPEG": 40, "WebP": 30, "automatic": automatic}
    return Weight(kind, width, 1_000, chosen, {"JPEG": 80, "WebP": 40, "automatic": 40})


def test_one_rendition_that_is_heavier_than_its_original_is_a_miss() -> None:
    rows = weights.rows([weight("photo", 1_000), weight("photo", 1_001), weight("photo", 20, 1280)])
    assert row(rows, "no heavier than the original, a browser's choice").verdict == "MISS"
    assert row(rows, "octets saved, median, w1280").figure == "98 %"
    told = row(rows, "photo, w1280")
    assert told.figure == "JPEG 0.50x, WebP 0.75x, automatic 0.50x; 2.0% of the original"


def test_page_one_of_scans_is_held_to_a_part_of_the_document() -> None:
    what = "page one of a scanned PDF, of the PDF, at most"
    some = [weight("photo", 9), weight("photo", 9, 1280)]
    assert what not in [one.what for one in weights.rows(some)]
    assert row(weights.rows([*some, weight(SCANNED, 50)]), what).verdict == "pass"
    assert row(weights.rows([*some, weight(SCANNED, 51)]), what).verdict == "MISS"


def test_a_ladder_is_told_by_its_better_round() -> None:
    rows = ladder.rows([load(cpu=2e6 / 7), load(cpu=9e6)], [load(cpu=4e6 / 7)])
    assert [one.figure for one in rows] == ["2.00 s CPU", "4.00 s CPU", "0.50x"]


def test_a_rendition_made_twice_is_a_miss() -> None:
    assert [row.verdict for row in crowd.rows(2, load(), 2)] == ["MISS", ""]


@pytest.mark.parametrize("name", ["ostiary_renders_count", "ostiary_plain_total"])
def test_figures_are_summed_over_their_labels(name: str) -> None:
    figures = (
        "# HELP ostiary_renders_count Renders.\n"
        'ostiary_renders_count{kind="image"} 2.0\nostiary_renders_count{kind="page"} 3.0\n'
        'ostiary_renders_count_more{kind="page"} 9.0\nostiary_plain_total 5.0\n'
    )
    assert counted(name, figures) == 5
