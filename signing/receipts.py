"""Receipts signed: texts that whoever holds the keys can find unchanged, long after.

seal = "1." kid "." signature
signature = the first 32 characters of base64url(HMAC-SHA256(key, "receipt:" text))
key       = lower-case hex text of HMAC-SHA256(secret of kid, "ostiary:admin:")
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from signing.keys import KeyRing

Verdict: TypeAlias = Literal["good", "no-seal", "unknown-key", "altered"]

_SEAL = re.compile(r"1\.([a-z0-9]{1,8})\.([A-Za-z0-9_-]{32})")


class Sealer:
    """Seals with the active key; tells what was sealed with any key of the ring."""

    __slots__ = ("_active", "_signers")

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._signers = {kid: ring.signer(kid, "admin", "") for kid in ring}

    def seal(self, text: str) -> str:
        """Return the seal of a text."""
        signature = self._signers[self._active].get_signature(f"receipt:{text}").decode()
        return f"1.{self._active}.{signature}"

    def verdict(self, text: str, seal: str) -> Verdict:
        """Tell whether `seal` is the text's; a key that was taken out is not known any more."""
        found = _SEAL.fullmatch(seal)
        if found is None:
            return "no-seal"
        signer = self._signers.get(found[1])
        if signer is None:
            return "unknown-key"
        return "good" if signer.verify_signature(f"receipt:{text}", found[2]) else "altered"
