"""Opening a store: the address of the settings becomes the store that it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.errors import ConfigurationError, Fault
from gateway.settings import StoreAddress
from gateway.stores import Store
from gateway.stores.folder import FolderStore
from gateway.stores.memory import MemoryStore
from gateway.stores.supabase import SupabaseStore


def open_store(address: StoreAddress, *, buckets: Sequence[str] = (), where: str) -> Store:
    """The store at `address`; nothing is asked of it yet. `buckets` are those zones will name.

    Raises `ConfigurationError`, whose fault names `where`, when the extra `s3` is missing.
    """
    if address.kind == "folder":
        return FolderStore(Path(address.root))
    if address.kind == "memory":
        return MemoryStore()
    if address.kind == "supabase":
        return SupabaseStore(address, buckets=buckets)
    try:
        from gateway.stores.s3 import S3Store
    except ImportError:
        what, hint = "S3 needs a package that is not installed", 'pip install "ostiary[s3]"'
        raise ConfigurationError([Fault(where, what, hint)]) from None
    return S3Store(address, buckets=buckets)
