"""The seeds of the fuzz target, and mutants of them that take no fuzzer, break nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imaging.engine import describe
from imaging.errors import ImagingError
from imaging.media import HEIF, PAGED, PICTURES, sniff

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SEEDS = sorted((FOLDER / "seeds").iterdir())
REFUSED: set[str] = {"png-text"}

# In a process of its own: what breaks out may end it.
MUTANTS = """
import random, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from looks import look_at

source = Path(sys.argv[3]).read_bytes()
look_at(source)
for part in range(16):
    look_at(source[: len(source) * part // 16])
dice = random.Random(len(source))
for _ in range(40):
    mutant = bytearray(source)
    for _ in range(dice.choice((1, 2, 8))):
        octet = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        mutant[dice.randrange(len(mutant))] = octet
    look_at(bytes(mutant))
print("whole")
"""


def test_the_seeds_are_small_and_of_every_kind() -> None:
    assert sum(seed.stat().st_size for seed in SEEDS) < 200_000
    kinds = {sniff(seed.read_bytes()) for seed in SEEDS}
    assert kinds >= (PICTURES | PAGED) - HEIF
    assert kinds & HEIF


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seed_is_opened(seed: Path) -> None:
    """Else the fuzzer would not get beyond the first line of a decoder."""
    try:
        assert describe(seed.read_bytes()).width > 0
    except ImagingError:
        assert seed.name in REFUSED


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_mutants_of_a_seed_never_break_out(seed: Path) -> None:
    command = [sys.executable, "-c", MUTANTS, str(ROOT), str(FOLDER), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr[-2000:]


LISTED = """
import sys
sys.path.insert(0, sys.argv[1])
from make_seeds import seeds
print(*seeds())
"""


def test_the_seeds_are_those_that_their_maker_makes() -> None:
    """By name; their octets depend on the encoders' versions."""
    command = [sys.executable, "-c", LISTED, str(FOLDER)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert set(made) <= {seed.name for seed in SEEDS}
