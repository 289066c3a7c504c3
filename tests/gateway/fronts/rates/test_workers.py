"""Limits in a gateway of several processes: one count for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx


def test_workers_count_together(gateway_in: Callable[..., Any]) -> None:
    gateway = gateway_in(limits={"client": "40/day"}).start("--workers", "2")
    gateway.put("a.pdf", b"%PDF-1.7 x")
    url = gateway.link("a.pdf")

    def status(_: int) -> int:
        """Over a connection of its own, which either worker may take."""
        return httpx.get(f"{gateway.url}{url}", timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(status, range(100))) == {200: 40, 429: 60}
    assert len({line["pid"] for line in gateway.told(100, route="d")}) == 2
