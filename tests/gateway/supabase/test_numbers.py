"""A number is what the storage server's validator takes for one."""

import math
import subprocess
import sys

import pytest

from gateway.supabase.numbers import number_of, single


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        (7.5, 7.5),
        (True, 1),
        (None, 0),
        ("7", 7),
        ("+7", 7),
        ("-0", 0),
        ("010", 10),
        (".5", 0.5),
        ("5.", 5),
        ("1e2", 100),
        ("\u00a0 7\n", 7),
        (" ", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b11", 3),
        ("1e-400", 0),
    ],
)
def test_what_javascript_reads_as_a_number_is_one(value: object, number: float) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", ["Infinity", "1e400", 10**400, "0x1" + "0" * 400, math.inf])
def test_what_is_too_large_is_infinite(value: object) -> None:
    assert number_of(value) == math.inf


def test_what_is_too_small_is_infinite_the_other_way() -> None:
    assert number_of("-Infinity") == number_of(-(10**400)) == -math.inf


@pytest.mark.parametrize(
    "value",
    ["", "x", "-", "1_0", "1,5", "-0x1", "0x", "inf", "nan", "NaN", "٣", "5\0", "1 2", [7], {}],
)
def test_all_else_is_none(value: object) -> None:
    assert math.isnan(number_of(value))


def test_millions_of_digits_are_read_once() -> None:
    """Tried anew at each digit they would take hours, so another process reads them."""
    texts = "('1' * n + 'x', '0.' + '1' * n + 'x', '1e' + '1' * n + 'x', ' ' * n + 'x')"
    script = f"""
from math import isnan
from gateway.supabase.numbers import number_of
n = 2_000_000
assert all(isnan(number_of(text)) for text in {texts})
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(("value", "item"), [([7], 7), ([[7]], [7]), ([], []), ([1, 2], [1, 2])])
def test_a_list_of_one_stands_for_its_item(value: object, item: object) -> None:
    assert single(value) == item
