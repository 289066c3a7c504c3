"""Drafts: the first configuration of a gateway in front of a Supabase project, and its writing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """\
# Written by `ostiary connect`. It holds secrets: keep it to yourself, out of version control too.

[server]
port = 8080
# State and caches. What was revoked stands there: back it up, and never start over without it.
data = {data}

[signing]
# Whoever has this key can make links to everything.
keys = {{ k1 = "{key}" }}

[admin]
# The SHA-256 of the operator's token, which was shown once.
tokens = ["sha256:{digest}"]

[supabase]
url = {url}
# Fetches documents, and never decides who gets one: for that, each user's own token goes upstream.
service_key = {service_key}
{tokens}# Proves that a call of /hooks/... comes from the project.
webhook_secret = "{webhook_secret}"

[stores.main]
url = "supabase:"
"""
_PRIVATE = """\
# Private buckets. cache = "private": only browsers keep documents. "windowed" lets any CDN keep
# them too, as long as a link lives; that is for you to decide, so it is not the default.
"""
_PUBLIC = """\
# Public buckets. Anybody may read these already, so CDNs may keep them as well. When a bucket is
# made private, CDNs forget it once the gateway is told: see the hooks in docs/supabase.md.
"""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is made by chance, once for each configuration; only the token is ever shown."""

    signing_key: str = field(default_factory=lambda: token_hex(32), repr=False)
    webhook_secret: str = field(default_factory=lambda: token_hex(32), repr=False)
    token: str = field(default_factory=lambda: token_urlsafe(32), repr=False)


@dataclass(frozen=True, slots=True)
class ZoneDraft:
    """A zone over some of the project's buckets."""

    name: str
    buckets: Sequence[str]
    cache: str
    public_url: str = ""
    remark: str = _PRIVATE

    @classmethod
    def public(cls, name: str, buckets: Sequence[str], public_url: str) -> ZoneDraft:
        """A zone over buckets that anybody may read."""
        return cls(name, buckets, "windowed", public_url, _PUBLIC)

    @property
    def text(self) -> str:
        """Its table as TOML."""
        name = self.name if _BARE.fullmatch(self.name) else _text(self.name)
        buckets = ", ".join(map(_text, self.buckets))
        address = f"public_url = {_text(self.public_url)}\n" if self.public_url else ""
        return (
            f'\n{self.remark}[zones.{name}]\nstore = "main"\nbuckets = [{buckets}]\n'
            f"cache = {_text(self.cache)}\n{address}"
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """All that the first configuration says; `data` is the folder of the gateway's state."""

    data: Path
    url: str
    service_key: str = field(repr=False)
    zones: Sequence[ZoneDraft]
    jwks_url: str = ""
    jwt_secret: str = field(default="", repr=False)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def text(self) -> str:
        """The file as TOML."""
        head = _HEAD.format(
            data=_text(str(self.data)),
            key=self.secrets.signing_key,
            digest=sha256(self.secrets.token.encode()).hexdigest(),
            url=_text(self.url),
            service_key=_text(self.service_key),
            tokens="".join(self._tokens()),
            webhook_secret=self.secrets.webhook_secret,
        )
        return head + "".join(zone.text for zone in self.zones)

    def _tokens(self) -> Iterator[str]:
        if self.jwks_url:
            yield "# Where the keys are that verify users' tokens.\n"
            yield f"jwks_url = {_text(self.jwks_url)}\n"
        if self.jwt_secret:
            yield f"# Verifies users' HS256 tokens.\njwt_secret = {_text(self.jwt_secret)}\n"
        if not self.jwks_url and not self.jwt_secret:
            yield "# Without jwks_url and jwt_secret Supabase alone judges users' tokens.\n"


@contextmanager
def pending(path: Path, text: str) -> Generator[Path]:
    """A file beside `path` with the text, for its owner's eyes alone from the first octet on.

    It is gone in the end, unless `publish` gave it the name.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def publish(partial: Path, path: Path, *, force: bool) -> None:
    """Give a pending file its name, whole; without `force` raises `FileExistsError`."""
    if force:
        partial.replace(path)
    else:
        path.hardlink_to(partial)


def _text(value: str) -> str:
    """A JSON text is a TOML text as well, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
