"""Tables: a goal is judged by the figure itself, and a miss is shown as one."""

from __future__ import annotations

import pytest

from bench.table import Goal, Row, shown, table


@pytest.mark.parametrize(
    ("goal", "figure", "met"),
    [
        (Goal(3), 3.0, True),
        (Goal(3), 2.999, False),
        (Goal(2, most=True), 2.0, True),
        (Goal(2, most=True), 2.001, False),
    ],
)
def test_a_goal_is_met_at_its_bound_and_not_a_thousandth_beyond(
    goal: Goal, figure: float, met: bool
) -> None:
    assert goal.met(figure) is met


def test_a_miss_is_told_even_where_rounding_hides_it() -> None:
    row = Row.judged("ours to theirs", 2.9999, "x", 7, Goal(3))
    assert (row.figure, row.goal, row.verdict) == ("3x", "≥ 3x", "MISS")


def test_an_upper_bound_is_shown_as_one() -> None:
    row = Row.judged("memory", 178.4, " MB", 200, Goal(200, most=True))
    assert (row.figure, row.goal, row.verdict) == ("178 MB", "≤ 200 MB", "pass")


@pytest.mark.parametrize(
    ("figure", "text"),
    [(12345.6, "12,346"), (3.14159, "3.14"), (2.0, "2"), (0.1234, "0.123"), (0, "0")],
)
def test_figures_show_three_digits(figure: float, text: str) -> None:
    assert shown(figure) == text


def test_a_table_is_markdown_with_a_line_for_each_row() -> None:
    lines = table([Row("first", "1 ms", 1_000), Row("a longer name", "2 ms", 2)]).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")] == [
        "",
        "first",
        "1 ms",
        "1,000",
        "",
        "",
        "",
    ]
