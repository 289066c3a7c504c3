"""`[signing]`: the keys under which links are made and verified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretBytes, ValidationInfo, field_validator

from gateway.settings.table import KeySecret, SealSecret, Table, Unfit
from signing.keys import Key, KeyRing

_KID = re.compile(r"[a-z0-9]{1,8}")


def _kid(value: str) -> str:
    if not _KID.fullmatch(value):
        raise Unfit("is not the id of a key", "1 to 8 of a-z and 0-9, such as k1")
    return value


Kid = Annotated[str, AfterValidator(_kid)]


class Signing(Table):
    """The secrets; without a key nothing starts, since nothing is ever unsigned."""

    keys: Mapping[Kid, KeySecret] = Field(
        min_length=1,
        description="The signing keys by their id: an even number of hex digits, 64 or more. "
        "All of them verify.",
    )
    active: str = Field(
        default="",
        validate_default=True,
        description="The id of the key that signs; needed with more than one key.",
    )
    seal_key: SealSecret = Field(
        default=SecretBytes(b""),
        description="128 hex digits; needed as soon as a zone issues sealed addresses.",
    )

    @field_validator("active")
    @classmethod
    def _one_of_the_keys(cls, active: str, info: ValidationInfo) -> str:
        keys = info.data.get("keys")
        if keys is None or active in keys:
            return active
        if active:
            raise Unfit("names no key of signing.keys", "it is the id of a key, such as k1")
        if len(keys) > 1:
            raise Unfit("is needed with more than one key", "name the id of the key that signs")
        return active

    def key_ring(self) -> KeyRing:
        """The keys as signing takes them; the only one signs when none is named."""
        keys = [Key(kid, secret.get_secret_value()) for kid, secret in self.keys.items()]
        return KeyRing(keys, self.active or keys[0].kid, self.seal_octets)

    @property
    def seal_octets(self) -> bytes:
        """The 64 octets of the seal key, or none."""
        return self.seal_key.get_secret_value()
