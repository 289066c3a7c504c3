"""Keys and what is derived from them: one key per purpose and zone, never the secret itself."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from signing.errors import BadKey
from signing.signatures import UrlSigner

Purpose = Literal["read", "upload", "admin", "aud", "folder", "claim", "viewer"]

SECRET_OCTETS = 32
_KID = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Key:
    """A named secret of at least 32 octets; the name stands in every link it signs."""

    kid: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _KID.fullmatch(self.kid):
            raise BadKey("a key's name is 1 to 8 characters of a-z and 0-9")
        if len(self.secret) < SECRET_OCTETS:
            raise BadKey(f"the secret of {self.kid} is shorter than {SECRET_OCTETS} octets")


class KeyRing:
    """The keys that verify, the one of them that signs, and the key that seals addresses.

    `seal_key` is its own setting and does not turn with the others; empty: nothing is sealed.
    """

    __slots__ = ("_keys", "_seal_key", "active")

    def __init__(self, keys: Sequence[Key], active: str, seal_key: bytes = b"") -> None:
        self._keys = {key.kid: key for key in keys}
        if len(self._keys) != len(keys):
            raise BadKey("two keys have the same name")
        if active not in self._keys:
            raise BadKey("the active key is not one of the keys")
        if seal_key and len(seal_key) < SECRET_OCTETS:
            raise BadKey(f"the seal key is shorter than {SECRET_OCTETS} octets")
        self.active = active
        self._seal_key = seal_key

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the keys."""
        return iter(self._keys)

    @property
    def seals(self) -> bool:
        """Whether there is a key to seal addresses with."""
        return bool(self._seal_key)

    def signer(self, kid: str, purpose: Purpose, zone: str) -> UrlSigner:
        """Return the signer of one key for one purpose in one zone; it verifies nothing else."""
        try:
            secret = self._keys[kid].secret
        except KeyError:
            raise BadKey("no key of this name") from None
        return UrlSigner(secret, salt=f"ostiary:{purpose}:{zone}")

    def edge_key(self, kid: str, purpose: Purpose, zone: str) -> bytes:
        """Return the derived key as lower-case hex text, the form that edges are given."""
        return self.signer(kid, purpose, zone).key

    def sealing_key(self, zone: str) -> bytes:
        """Return the 64 octets that seal a zone's addresses by AES-SIV."""
        if not self._seal_key:
            raise BadKey("no seal key is set")
        return hmac.digest(self._seal_key, f"ostiary:seal:{zone}".encode(), "sha512")
