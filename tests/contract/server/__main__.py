"""`python -m tests.contract.server --port 0`: serve until ended; the first line is its card."""

from __future__ import annotations

import argparse
import json
import socket

import uvicorn

from tests.contract.server.running import (
    PUBLISHABLE,
    S3_ACCESS_KEY,
    S3_SECRET_KEY,
    SECRET_KEY,
    ContractServer,
    configured,
)


def card(server: ContractServer, url: str) -> dict[str, str]:
    """All that a client of another process needs to know."""
    return {
        "url": url,
        "user_a": server.user_a,
        "user_b": server.user_b,
        "anon": server.anon,
        "service": server.service,
        "jwt_secret": server.jwt_secret,
        "aud": "authenticated",
        "kid": server.kid,
        "publishable": PUBLISHABLE,
        "secret": SECRET_KEY,
        "s3_access_key": S3_ACCESS_KEY,
        "s3_secret_key": S3_SECRET_KEY,
    }


def main() -> None:
    """Listen, print the card as one line of JSON, serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--think", type=float, default=0.0, metavar="MS")
    parser.add_argument("--backend", choices=["file", "s3"], default="file")
    parser.add_argument("--algorithm", choices=["", "ES256", "RS256", "EdDSA"], default="")
    parser.add_argument("--no-record", action="store_true", help="keep no list of requests")
    given = parser.parse_args()
    server = ContractServer(backend=given.backend, algorithm=given.algorithm)
    server.think(given.think)
    server.app.recording = not given.no_record
    listener = socket.create_server(("127.0.0.1", given.port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps(card(server, url)), flush=True)
    uvicorn.Server(configured(server.app)).run([listener])


if __name__ == "__main__":
    main()
