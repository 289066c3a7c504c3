"""Announcements: documents whose copies in shared caches are to be asked for anew, gathered."""

from __future__ import annotations

from collections.abc import Callable

from gateway.documents import DocumentRef


class Announcements:
    """Puts many improvements of one document into one purge; times are in seconds of one clock.

    What was improved is gathered for `gather` s, and for `longest` s at most while more of its
    document is being improved.
    """

    def __init__(self, gather: float, longest: float) -> None:
        self._gather = gather
        self._longest = longest
        self._since: dict[DocumentRef, float] = {}

    def note(self, ref: DocumentRef, now: float) -> None:
        """Something of the document was improved."""
        self._since.setdefault(ref, now)

    def due(self, now: float, unfinished: Callable[[str], bool]) -> tuple[DocumentRef, ...]:
        """Take the documents that are to be purged now.

        `unfinished` tells by a document's id whether more of it is about to be improved.
        """
        due = tuple(
            ref
            for ref, since in self._since.items()
            if now - since >= (self._longest if unfinished(ref.id) else self._gather)
        )
        return self._taken(due)

    def rest(self) -> tuple[DocumentRef, ...]:
        """Take all that is left."""
        return self._taken(tuple(self._since))

    def _taken(self, refs: tuple[DocumentRef, ...]) -> tuple[DocumentRef, ...]:
        for ref in refs:
            del self._since[ref]
        return refs
