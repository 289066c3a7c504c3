"""Makes vectors.json: what every verifier of os1 must say to which target.

    python tests/signing/make_vectors.py > tests/signing/vectors.json
    python tests/signing/make_vectors.py 1790000000      # for an edge that lives in real time

Built from the grammar by plain_os1.py, never from `signing`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import chain
from typing import Any

import vector_folders
import vector_form
import vector_meaning
import vector_storage
from vector_book import BUCKETS, CARRY_ORIGINAL, DECLARED, KEYS, NOW, SEAL_KEY, ZONES, Book

CHAPTERS = (vector_form, vector_meaning, vector_folders, vector_storage)


def build(now: int = NOW) -> dict[str, Any]:
    """Make the whole file for one time; only that time and the signatures differ between two."""
    book = Book(now)
    for fill in chain.from_iterable(chapter.CATEGORIES for chapter in CHAPTERS):
        book.category = fill.__name__.replace("_", "-")
        fill(book)
    return {
        "grammar": "os1",
        "now": now,
        "keys": {kid: secret.hex() for kid, secret in KEYS.items()},
        "seal_key": SEAL_KEY.hex(),
        "zones": ZONES,
        "buckets": BUCKETS,
        "declared": DECLARED,
        "carry_original": CARRY_ORIGINAL,
        "cases": book.cases,
    }


def lines(vectors: dict[str, Any]) -> Iterable[str]:
    """Yield the JSON with one case a line, so that a change shows as the cases it touches."""
    *head, (_, cases) = vectors.items()
    yield "{"
    for name, value in head:
        yield f" {json.dumps(name)}: {json.dumps(value)},"
    yield ' "cases": ['
    yield ",\n".join(f"  {json.dumps(case)}" for case in cases)
    yield " ]\n}"


if __name__ == "__main__":
    print("\n".join(lines(build(*map(int, sys.argv[1:2])))))
