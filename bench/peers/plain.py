"""The plain way to serve private documents in Python: Starlette and an itsdangerous token.

It holds a document in memory or answers with `FileResponse`. It knows no ranges in memory, no
304, no revocation, no log line and no figures.
"""

from __future__ import annotations

import mimetypes
import os
from functools import lru_cache
from pathlib import Path

from itsdangerous import BadSignature, TimestampSigner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

SECRET = "the-secret-of-the-plain-application"
FOLDER = "BENCH_PLAIN_FOLDER"
_signer = TimestampSigner(SECRET)


def link(name: str, *, file: bool) -> str:
    """A path and query that the application takes, signed now."""
    place = "files" if file else "documents"
    return f"/{place}/{name}?token={_signer.sign(name).decode()}"


@lru_cache
def _held(name: str) -> bytes:
    return _path(name).read_bytes()


def _path(name: str) -> Path:
    return Path(os.environ[FOLDER]) / name


def _allowed(request: Request) -> bool:
    try:
        signed = _signer.unsign(request.query_params.get("token", ""), max_age=3600)
    except BadSignature:
        return False
    return bool(signed.decode() == request.path_params["name"])


async def document(request: Request) -> Response:
    if not _allowed(request):
        return PlainTextResponse("forbidden", 403)
    name = request.path_params["name"]
    return Response(
        _held(name),
        media_type=mimetypes.guess_type(name)[0],
        headers={"Cache-Control": "private, max-age=300"},
    )


async def file(request: Request) -> Response:
    if not _allowed(request):
        return PlainTextResponse("forbidden", 403)
    return FileResponse(
        _path(request.path_params["name"]), headers={"Cache-Control": "private, max-age=300"}
    )


app = Starlette(
    routes=[Route("/documents/{name:path}", document), Route("/files/{name:path}", file)]
)
