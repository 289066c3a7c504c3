"""News: what the feed tells, the catalogue and the decisions forget."""

from __future__ import annotations

import asyncio

import pytest

from gateway.catalogue import Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.looks import Alone
from gateway.news import DecisionNews, News
from gateway.state.feed import FeedKind, FeedRow
from gateway.stores.memory import MemoryStore

REFS = {
    name: DocumentRef(*place)
    for name, place in {
        "a": ("clinic", "documents", "letters/a"),
        "b": ("clinic", "documents", "letters/b"),
        "c": ("clinic", "documents", "c"),
        "d": ("clinic", "scans", "letters/a"),
        "e": ("lab", "samples", "letters/a"),
    }.items()
}


@pytest.fixture
def catalogue() -> Catalogue:
    """Five documents in three buckets of two zones, all known."""

    async def changed(ref: DocumentRef) -> None:
        raise AssertionError("nothing changes here")

    def keep(document: Document, body: bytes) -> None:
        pass

    store = MemoryStore()
    zones = {
        "clinic": Zone("clinic", "main", ("documents", "scans")),
        "lab": Zone("lab", "main", ("samples",)),
    }
    catalogue = Catalogue(
        zones, {"main": store}, Alone(), clock=lambda: 0.0, keep=keep, changed=changed
    )
    for ref in REFS.values():
        store.put(ref.bucket, ref.key, b"x")
        asyncio.run(catalogue.document(ref))
    return catalogue


def _known(catalogue: Catalogue) -> str:
    return "".join(name for name, ref in REFS.items() if catalogue.fresh(ref))


@pytest.mark.parametrize(
    ("kind", "scope", "known"),
    [
        ("changed", "d:clinic/documents/letters/a", "bcde"),
        ("changed", "b:clinic/documents", "de"),
        ("changed", "b:clinic/scans", "abce"),
        ("changed", "p:clinic/documents/letters/", "cde"),
        ("changed", "z:clinic", "e"),
        ("changed", "z:nowhere", "abcde"),
        ("revoked", "z:clinic", "abcde"),
        ("declared", "p:clinic/documents/letters/", "abcde"),
        ("lost", "", ""),
    ],
)
def test_a_row_makes_forget_what_it_is_about(
    catalogue: Catalogue, kind: FeedKind, scope: str, known: str
) -> None:
    News(catalogue).tell(FeedRow(1, kind, scope, 1, 0.0))
    assert _known(catalogue) == known


class Decided:
    """Takes down what is to be decided anew."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, bucket: str, key: str) -> None:
        self.forgotten.append(f"{bucket}/{key}")

    def forget_bucket(self, bucket: str) -> None:
        self.forgotten.append(bucket)


@pytest.mark.parametrize("kind", ["changed", "revoked"])
@pytest.mark.parametrize(
    ("scope", "forgotten"),
    [
        ("d:clinic/documents/letters/a", ["documents/letters/a"]),
        ("b:clinic/documents", ["documents"]),
        ("p:clinic/documents/letters/", ["documents"]),
        ("z:clinic", ["documents", "scans"]),
        ("z:nowhere", []),
        ("v:documents/letters/a", []),
    ],
)
def test_a_row_makes_decide_anew_on_what_it_is_about(
    kind: FeedKind, scope: str, forgotten: list[str]
) -> None:
    decided = Decided()
    buckets = {"documents": "clinic", "scans": "clinic", "samples": "lab"}
    DecisionNews(decided, buckets).tell(FeedRow(1, kind, scope, 1, 0.0))
    assert decided.forgotten == forgotten


def test_lost_rows_make_decide_anew_on_everything() -> None:
    decided = Decided()
    news = DecisionNews(decided, {"documents": "clinic", "samples": "lab"})
    news.tell(FeedRow(1, "declared", "p:clinic/documents/a/", 1, 0.0))
    assert decided.forgotten == []
    news.tell(FeedRow(1, "lost", "", 0, 0.0))
    assert sorted(decided.forgotten) == ["documents", "samples"]


def test_the_news_of_viewers_are_no_news_of_documents(catalogue: Catalogue) -> None:
    News(catalogue).tell(FeedRow(1, "revoked", "v:clinic/documents/c", 1, 0.0))
    assert _known(catalogue) == "abcde"
