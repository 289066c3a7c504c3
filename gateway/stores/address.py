"""A store's address: the `url` of `[stores.NAME]`, and the store it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.errors import ConfigurationError, Fault
from gateway.stores import Store
from gateway.stores.folder import FolderStore
from gateway.stores.memory import MemoryStore

_KINDS = ("file:", "memory:", "s3:")
_PARAMETERS = ("endpoint", "region")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An S3 key pair; empty means that the AWS_* environment speaks."""

    access_key: str = ""
    secret_key: str = ""


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where documents are in S3.

    Without `name`, our buckets are S3 buckets of the same names; with it, they are folders below
    `prefix` in that one S3 bucket. An empty `endpoint` is AWS's own.
    """

    endpoint: str = ""
    region: str = ""
    name: str = ""
    prefix: str = ""

    @property
    def plain(self) -> bool:
        """Whether the endpoint asks for HTTP without TLS."""
        return self.endpoint.startswith("http://")

    def locate(self, bucket: str, key: str) -> tuple[str, str]:
        """The S3 bucket and the key in it."""
        if not self.name:
            return bucket, key
        return self.name, "/".join(part for part in (self.prefix, bucket, key) if part)


def build(
    url: str,
    *,
    credentials: Credentials | None = None,
    buckets: Sequence[str] = (),
    where: str = "stores",
) -> Store:
    """The store that `url` leads to; nothing is opened yet. `buckets` are those zones will name.

    `file:///srv/documents`, `memory:`, `s3:?endpoint=…&region=…` or `s3://NAME/prefix?…`. Raises
    `ConfigurationError`, whose faults name `where` and never repeat the address or a key.
    """
    credentials = credentials or Credentials()
    parts = _split(url, where)
    if parts.scheme == "s3":
        return _s3(_s3_address(parts, where), credentials, buckets, where)
    if credentials != Credentials():
        raise _fault(where, "only an S3 store takes access_key and secret_key")
    if parts.scheme == "file":
        return FolderStore(_path(parts, where))
    if parts != urlsplit("memory:"):
        raise _fault(where, "nothing may follow memory:")
    return MemoryStore()


def _split(url: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _fault(where, "is no address") from None
    if f"{parts.scheme}:" not in _KINDS:
        raise _fault(where, "is no kind of store", f"begin with {', '.join(_KINDS)}")
    if parts.username is not None or parts.fragment:
        raise _fault(where, "holds a user or a fragment", "keys go into access_key and secret_key")
    return parts


def _path(parts: SplitResult, where: str) -> Path:
    if parts.netloc not in {"", "localhost"} or parts.query or not parts.path:
        raise _fault(where, "is no path", "three slashes: file:///srv/documents")
    return Path(unquote(parts.path))


def _s3(address: S3Address, credentials: Credentials, buckets: Sequence[str], where: str) -> Store:
    if bool(credentials.access_key) != bool(credentials.secret_key):
        raise _fault(where, "access_key and secret_key go together")
    try:
        from gateway.stores.s3 import S3Store
    except ImportError:
        hint = 'pip install "ostiary[s3]"'
        raise _fault(where, "S3 needs a package that is not installed", hint) from None
    return S3Store(address, credentials, buckets=buckets)


def _s3_address(parts: SplitResult, where: str) -> S3Address:
    values = _parameters(parts.query, where)
    prefix = unquote(parts.path).strip("/")
    if prefix and not parts.netloc:
        raise _fault(where, "has a prefix without a bucket", "s3://NAME/prefix")
    if any(segment in {"", ".", ".."} for segment in prefix.split("/") if prefix):
        raise _fault(where, "has an empty or a dot segment in its prefix")
    endpoint = values.get("endpoint", "").rstrip("/")
    if endpoint and not _reachable(endpoint):
        raise _fault(where, "has an endpoint that is no http or https address")
    return S3Address(endpoint, values.get("region", ""), parts.netloc, prefix)


def _reachable(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        host = parts.port != 0 and parts.hostname
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and bool(host) and bare


def _parameters(query: str, where: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, _ in pairs:
        if name not in _PARAMETERS:
            near = get_close_matches(name, _PARAMETERS, 1) or _PARAMETERS
            raise _fault(where, "has an unknown parameter", f"did you mean {' or '.join(near)}?")
    if len(dict(pairs)) < len(pairs):
        raise _fault(where, "has a parameter twice")
    return dict(pairs)


def _fault(where: str, what: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError([Fault(where, what, hint)])
