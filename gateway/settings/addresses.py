"""Addresses of stores: the text of `url` read into a value that a store is built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.settings.table import Unfit

SUPABASE = "supabase:"

_HINT = (
    'such as "file:///srv/documents", "s3:?endpoint=…&region=…", "s3://NAME/prefix", "supabase:", '
    '"memory:"'
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An S3 key pair; both empty means: take the AWS_* environment's."""

    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    @property
    def given(self) -> bool:
        """Whether the settings name a key pair."""
        return bool(self.access_key)


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is.

    `root` is a folder's path (kind `folder`, perhaps relative), or the origin of a Supabase
    project (kind `supabase`, with the service key as the secret of `credentials`); the settings
    complete the latter from `[supabase]`. Kind `s3`: an empty `bucket`
    means that each bucket of a zone is an S3 bucket of that name; else the buckets are folders
    below `prefix` (no slash at its ends, perhaps empty) of the one S3 bucket. `endpoint` is
    empty for AWS itself; `region` is empty when not told.
    """

    kind: Literal["folder", "memory", "s3", "supabase"]
    root: str = ""
    bucket: str = ""
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    credentials: Credentials = Credentials()

    @property
    def plain_http(self) -> bool:
        """Whether the endpoint asks for http without TLS."""
        return self.endpoint.startswith("http://")

    def locate(self, bucket: str, key: str) -> tuple[str, str]:
        """The S3 bucket of a zone's bucket, and the key in it."""
        if not self.bucket:
            return bucket, key
        return self.bucket, "/".join(part for part in (self.prefix, bucket, key) if part)


def parse_address(url: str, credentials: Credentials = Credentials()) -> StoreAddress:
    """Read a store's `url`. Raises `Unfit`, which never repeats the text."""
    scheme = url.partition(":")[0]
    if scheme == "s3":
        return _s3(url, credentials)
    if credentials != Credentials():
        raise Unfit("takes no access_key and secret_key", "they belong to an s3 store")
    if url == "memory:":
        return StoreAddress("memory")
    if scheme == "file":
        return StoreAddress("folder", root=_folder(url))
    if url == SUPABASE:
        return StoreAddress("supabase")
    if scheme == "supabase":
        raise Unfit("takes nothing after supabase:", "the project stands in [supabase] url")
    raise Unfit("is not the address of a store", _HINT)


def _folder(url: str) -> str:
    rest = url.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, rest = rest.removeprefix("//").partition("/")
        if host not in ("", "localhost"):
            raise Unfit("names a host; a folder's address begins with file:///", _HINT)
        rest = slash + rest
    if "?" in rest or "#" in rest:
        raise Unfit("may hold no ? and no #", "write them as %3F and %23")
    path = unquote(rest, errors="surrogateescape")
    if not path or "\0" in path:
        raise Unfit("names no folder", _HINT)
    return path


def _s3(url: str, credentials: Credentials) -> StoreAddress:
    parts = _split(url)
    if parts.fragment or "@" in parts.netloc or ":" in parts.netloc:
        raise Unfit("may hold no user, port or fragment", "credentials stand beside url")
    if not parts.netloc and parts.path:
        raise Unfit("names a prefix without a bucket", _HINT)
    query = _query(parts.query)
    return StoreAddress(
        "s3",
        bucket=parts.netloc,
        prefix=_prefix(parts.path),
        endpoint=_endpoint(query.get("endpoint", "")),
        region=query.get("region", ""),
        credentials=credentials,
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Unfit("is not the address of a store", _HINT) from None


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise Unfit("gives a parameter twice")
    for name in query:
        if name not in ("endpoint", "region"):
            near = get_close_matches(name, ("endpoint", "region"), n=1)
            hint = f"nearest: {near[0]}" if near else "known: endpoint, region"
            raise Unfit("has a parameter that is not known", hint)
    return query


def _prefix(path: str) -> str:
    prefix = unquote(path).strip("/")
    if prefix and any(segment in ("", ".", "..") for segment in prefix.split("/")):
        raise Unfit("has an empty or a dot segment in its prefix")
    return prefix


def _endpoint(text: str) -> str:
    if not text:
        return ""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not _reachable(parts):
        raise Unfit("needs http:// or https:// and a host in endpoint")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise Unfit("may hold no user, query or fragment in endpoint")
    return text.rstrip("/")


def is_origin(text: str) -> bool:
    """Whether a text is http or https, a host and perhaps a port, and nothing else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    clean = text.isascii() and text.isprintable() and not set(text) & set(" ?#\\")
    return bare and clean and parts.scheme in ("http", "https") and _reachable(parts)


def _reachable(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
