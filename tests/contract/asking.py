"""One request to a stand-in in this process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.contract.server import USER_A, ContractServer

REPORT = f"{USER_A}/report.pdf"
SIGN = f"/storage/v1/object/sign/documents/{REPORT}"


def ask(
    server: ContractServer,
    method: str,
    path: str,
    token: str = "",
    **rest: Any,
) -> httpx.Response:
    """One request in this process, with a user's credentials when a token is given."""

    async def asked() -> httpx.Response:
        fields = {**(server.fields(token) if token else {}), **rest.pop("fields", {})}
        transport = httpx.ASGITransport(app=server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://contract") as client:
            return await client.request(method, path, headers=fields, **rest)

    return asyncio.run(asked())


def sign(server: ContractServer, token: str, **rest: Any) -> httpx.Response:
    return ask(server, "POST", SIGN, token, json={"expiresIn": 60}, **rest)
