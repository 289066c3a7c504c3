"""The catalogue: what is known of each document, read through from its store and kept briefly.

An entry lives for the TTL of its store's kind and is dropped at once by a change in the feed. One
load per document is under way at a time, however many ask. Small documents come whole with their
first look, so that a cold one costs its store a single request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.caches.coalesce import Coalescer
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import DocumentChanged, DocumentNotFound, StateUnavailable
from gateway.looks import Look, Sharing
from gateway.stores import Store, StoredObject
from gateway.wire.media import delivery_type
from imaging.media import sniff
from signing.addresses import version22

# A store on this machine answers in microseconds, a remote one in tens of milliseconds.
LOCAL_TTL = 1.0
REMOTE_TTL = 5.0
# Absent documents are asked for again soon: an upload may be on its way.
ABSENT_TTL = 1.0
ENTRIES = 100_000
# What comes along with the first look at a document: its whole body when it is no larger.
SMALL = 1 << 20
HEAD = 4096
# Kinds of stores whose ETags tell nothing that clients may not know.
SHOWN = ("s3", "supabase")


@dataclass(frozen=True, slots=True)
class Entry:
    """A document, or its proven absence (`document` is None), good until `fresh_until`."""

    document: Document | None
    fresh_until: float


class Catalogue:
    """Looks documents up by reference.

    `keep` is given each small original that a look brought along; `changed` is told of a document
    whose store shows another version, or none, where this catalogue had seen one before; when it
    raises `StateUnavailable` it is told again. `clock`
    is monotonic, in seconds.
    """

    def __init__(
        self,
        zones: Mapping[str, Zone],
        stores: Mapping[str, Store],
        looks: Sharing,
        *,
        clock: Callable[[], float],
        keep: Callable[[Document, bytes], None],
        changed: Callable[[DocumentRef], Awaitable[None]],
    ) -> None:
        self._zones = zones
        self._stores = stores
        self._looks = looks
        self._clock = clock
        self._keep = keep
        self._changed = changed
        self._entries: OrderedDict[DocumentRef, Entry] = OrderedDict()
        self._loads: Coalescer[tuple[DocumentRef, int], Document | None] = Coalescer()
        self._epoch = 0

    def store(self, ref: DocumentRef) -> Store:
        """The store that holds this document's zone."""
        return self._stores[self._zones[ref.zone].store]

    def fresh(self, ref: DocumentRef) -> Document | None:
        """The document when a fresh entry says it exists; None means: ask `document`."""
        entry = self._entries.get(ref)
        if entry is None or entry.fresh_until <= self._clock():
            return None
        return entry.document

    def knows(self, ref: DocumentRef) -> bool:
        """Whether the document was looked up before, so that a change of it would be noticed."""
        return ref in self._entries

    async def document(self, ref: DocumentRef) -> Document:
        """The document as its store has it now, at most one TTL old.

        Raises `DocumentNotFound` and `StoreUnavailable`.
        """
        entry = self._entries.get(ref)
        if entry is None or entry.fresh_until <= self._clock():
            return await self.renewed(ref)
        if entry.document is None:
            raise DocumentNotFound
        return entry.document

    async def renewed(self, ref: DocumentRef) -> Document:
        """The document as its store has it now, however fresh what is known; raises the same."""
        # Who asks after a purge must not share a look that began before it.
        key = (ref, self._epoch)
        found = await self._loads.load(key, lambda: self._look(ref))
        if found is None:
            raise DocumentNotFound
        return found

    def forget(self, ref: DocumentRef) -> None:
        """Drop what is known of one document; a load under way is not kept either."""
        self._invalidate()
        entry = self._entries.get(ref)
        if entry is not None:
            self._entries[ref] = Entry(entry.document, 0.0)

    def forget_below(self, zone: str, bucket: str = "", prefix: str = "") -> None:
        """Drop what is known of a zone, one of its buckets, or a folder in that bucket."""
        self._invalidate()
        for ref, entry in self._entries.items():
            if ref.zone == zone and (not bucket or ref.bucket == bucket):
                if not ref.key.startswith(prefix):
                    continue
                self._entries[ref] = Entry(entry.document, 0.0)

    def forget_all(self) -> None:
        """Drop everything, for when it is not known what was missed."""
        self._invalidate()
        self._entries.clear()

    def _invalidate(self) -> None:
        self._epoch += 1
        self._looks.invalidate()

    async def _look(self, ref: DocumentRef) -> Document | None:
        before = self._entries.get(ref)
        known = before.document if before else None
        epoch = self._epoch
        store = self.store(ref)
        try:
            document = await self._renew(store, ref, known) if known else None
            # After a known version another's look may be older than what was just seen.
            sharing = not (known or store.local)
            document = document or await self._load(store, ref, sharing=sharing)
        except DocumentNotFound:
            document = None
        if known and (document is None or document.version != known.version):
            try:
                await self._changed(ref)
            except StateUnavailable:
                # Not remembered: whoever looks next sees the change anew and asks again.
                return document
        if epoch == self._epoch:
            ttl = (LOCAL_TTL if store.local else REMOTE_TTL) if document else ABSENT_TTL
            self._remember(ref, Entry(document, self._clock() + ttl))
        elif self.fresh(ref) is None:
            # What was read before a purge is only good for seeing the next change by.
            self._remember(ref, Entry(document, 0.0))
        return document

    def _remember(self, ref: DocumentRef, entry: Entry) -> None:
        self._entries[ref] = entry
        self._entries.move_to_end(ref)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)

    async def _renew(self, store: Store, ref: DocumentRef, known: Document) -> Document | None:
        stored = await store.head(ref.bucket, ref.key)
        return known if stored.identity == known.identity else None

    async def _load(self, store: Store, ref: DocumentRef, *, sharing: bool) -> Document:
        if sharing:
            look = await self._looks.share(ref, lambda: _look_at(store, ref))
        else:
            look = await _look_at(store, ref)
        document = describe(ref, look.stored, store.kind, look.start[:HEAD])
        if len(look.start) == look.stored.size:
            self._keep(document, look.start)
        return document


async def _look_at(store: Store, ref: DocumentRef) -> Look:
    for attempt in (1, 2):
        try:
            return await _read(store, ref)
        except DocumentChanged:  # replaced between two chunks: look once more
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


async def _read(store: Store, ref: DocumentRef) -> Look:
    body = await store.open(ref.bucket, ref.key)
    try:
        wanted = body.stored.size if body.stored.size <= SMALL else HEAD
        start = bytearray()
        if wanted:
            async for chunk in body:
                start += chunk
                if len(start) >= wanted:
                    break
        return Look(body.stored, bytes(start))
    finally:
        await body.aclose()


def describe(ref: DocumentRef, stored: StoredObject, kind: str, head: bytes) -> Document:
    """The document that a stored object and its first octets make.

    A folder's ETag would tell inode and clock, so its documents show their version instead; one
    of S3 or Supabase is shown as it is.
    """
    # The grammar's source: the store's version id, else its ETag with the quotes.
    version = version22(stored.version_id or f'"{stored.etag}"')
    sniffed = sniff(head)
    return Document(
        ref=ref,
        id=ref.id,
        identity=stored.identity,
        version=version,
        etag=stored.etag if kind in SHOWN and stored.etag else version,
        media=delivery_type(stored.content_type, ref.key, head, sniffed),
        sniffed=sniffed,
        size=stored.size,
        modified_at=stored.modified_at,
    )
