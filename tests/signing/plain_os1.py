"""The grammar os1 once more, in plain hmac, hashlib and AES: it shares no code with `signing`.

What the vectors are made of, and what sealed addresses are checked against.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

MASK_64 = (1 << 64) - 1


def base64url(octets: bytes) -> str:
    return base64.b64encode(octets, b"-_").decode().replace("=", "")


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256).digest()


def edge_key(secret: bytes, purpose: str, zone: str) -> bytes:
    return mac(secret, f"ostiary:{purpose}:{zone}").hex().encode()


def signature(key: bytes, signed: str) -> str:
    return base64url(mac(key, signed))[:32]


def audience(secret: bytes, zone: str, viewer: str) -> str:
    return base64url(mac(edge_key(secret, "aud", zone), viewer))[:16]


@dataclass(frozen=True)
class Parts:
    """Every part of a target that a vector may bend, as text of one character per octet."""

    secret: bytes
    scope: str
    exp: str
    rendition: str = "original"
    kid: str = "k2"
    gen: str = "0"
    aud: str = "-"
    jti: str = "-"
    grant: str = "ia"
    purpose: str = "read"
    key_zone: str = ""

    @property
    def body(self) -> str:
        return f"1.{self.kid}.{self.exp}.{self.gen}.{self.aud}.{self.jti}.{self.grant}"

    @property
    def key(self) -> bytes:
        return edge_key(self.secret, self.purpose, self.key_zone or self.scope.split("/")[0])

    @property
    def signed(self) -> str:
        return f"/d/{self.scope}?t={self.body}"

    @property
    def signature(self) -> str:
        return signature(self.key, self.signed)

    @property
    def target(self) -> str:
        return self.signed_with(self.signature)

    def signed_with(self, sig: str) -> str:
        return f"/d/{self.rendition}/{self.scope}?t={self.body}.{sig}"

    def but(self, **changes: str) -> Self:
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class StorageParts(Parts):
    """The same of the storage routes; `scope` is zone, bucket and key decoded."""

    route: str = "object/sign"
    tail: str = ""

    @property
    def signed(self) -> str:
        return f"/storage/v1/{self.scope}?token={self.body}"

    def signed_with(self, sig: str) -> str:
        _, address = self.scope.split("/", 1)
        # What JavaScript's encodeURI leaves, but for ? and #, which would end a path.
        path = quote(address.encode("latin-1"), safe=";,/:@&=+$-_.!~*'()")
        return f"/storage/v1/{self.route}/{path}?token={self.body}.{sig}{self.tail}"


@dataclass(frozen=True)
class FolderParts(Parts):
    """The same of a folder link; `scope` is the whole one of a document, `n` what is signed."""

    n: str = "4"
    purpose: str = "folder"

    @property
    def body(self) -> str:
        return f"1f{self.n}" + super().body[1:]

    @property
    def signed(self) -> str:
        segments = self.scope.split("/")[: int(self.n)]
        return "/d/" + "/".join(segments) + f"/?t={self.body}"


def cache_class(grant: str) -> str:
    """Whether shared caches may hold the whole original under that grant: "w", else "r"."""
    name = grant[3:]
    page = name[1:-5] if name.startswith("p") and name.endswith("-text") else ""
    text = page.isdecimal() and page[0] != "0" and len(page) <= 4
    return "w" if grant[1] in "ao" or name in ("auto", "linear") or text else "r"


def seal_key(secret: bytes, zone: str) -> bytes:
    return hmac.new(secret, f"ostiary:seal:{zone}".encode(), hashlib.sha512).digest()


def cmac(key: bytes, octets: bytes) -> bytes:
    state = CMAC(algorithms.AES(key))
    state.update(octets)
    return state.finalize()


def double(block: bytes) -> bytes:
    """RFC 5297 section 2.3: multiplication by x in GF(2^128)."""
    high, low = struct.unpack(">QQ", block)
    carry = 0x87 if high >> 63 else 0
    return struct.pack(">QQ", (high << 1 | low >> 63) & MASK_64, ((low << 1) ^ carry) & MASK_64)


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def s2v(key: bytes, *strings: bytes) -> bytes:
    """RFC 5297 section 2.4; the last string is the plaintext."""
    *associated, plain = strings
    block = cmac(key, bytes(16))
    for component in associated:
        block = xor(double(block), cmac(key, component))
    if len(plain) >= 16:
        return cmac(key, plain[:-16] + xor(plain[-16:], block))
    padded = (plain + b"\x80").ljust(16, b"\0")
    return cmac(key, xor(double(block), padded))


def aes_siv(key: bytes, plain: bytes, *associated: bytes) -> bytes:
    """RFC 5297 section 2.6: V, then the plaintext in counter mode."""
    half = len(key) // 2
    vector = s2v(key[:half], *associated, plain)
    high, low = struct.unpack(">QQ", vector)
    counter = struct.pack(">QQ", high, low & 0x7FFFFFFF_7FFFFFFF)
    encryptor = Cipher(algorithms.AES(key[half:]), modes.CTR(counter)).encryptor()
    return vector + encryptor.update(plain) + encryptor.finalize()
