"""Settings that hold every rule, to break one at a time."""

from __future__ import annotations

import copy
from typing import Any

import pytest

WHOLE: dict[str, Any] = {
    "server": {"host": "127.0.0.1", "port": 8080, "data": "var", "region": "eu"},
    "signing": {"keys": {"k1": "1a" * 32, "k2": "2B" * 48}, "active": "k2", "seal_key": "3c" * 64},
    "admin": {
        "port": 9090,
        "tokens": ["sha256:" + "4d" * 32],
        "token": [
            {"id": "desk", "hash": "sha256:" + "5e" * 32, "scopes": ["links"], "zones": ["clinic"]}
        ],
    },
    "stores": {"main": {"url": "file:///srv/documents"}},
    "zones": {
        "clinic": {
            "store": "main",
            "buckets": ["documents", "scans"],
            "cache": "windowed",
            "public_url": "https://docs.example.org",
            "home": "eu",
            "allowed": ["eu", "ch"],
            "revocable": ["documents/reports/"],
            "sealed": True,
        }
    },
    "renditions": {"presets": {"thumb": "w160-h160-cover"}},
    "cdn": {
        "varnish": {
            "provider": "varnish",
            "url": "http://127.0.0.1:6081",
            "secret": "hush",
            "shield": ["new", "old"],
        },
        "spare": {"provider": "null"},
    },
}


@pytest.fixture
def whole() -> dict[str, Any]:
    """Every table of the settings, as a file would give them."""
    return copy.deepcopy(WHOLE)
