"""Providers as the composition root makes them of the settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.app import compose
from gateway.errors import ConfigurationError
from gateway.settings import Settings

KEYLESS = json.dumps({"client_email": "a@b", "private_key": "hush", "token_uri": "http://x/t"})


def settings(data: Path, cdn: Mapping[str, Any]) -> Settings:
    tables = {"server": {"data": str(data)}, "signing": {"keys": {"k1": "5a" * 32}}}
    return Settings.model_validate({**tables, "cdn": {"edge": cdn}})


def test_a_provider_is_made_of_its_table(tmp_path: Path) -> None:
    cdn = {"provider": "cloudflare", "id": "z", "secret": "s", "plan": "pro"}
    parts = compose(settings(tmp_path / "data", cdn), serves=False)
    assert (parts.providers["edge"].name, parts.providers["edge"].limits.rate) == ("edge", 5)
    asyncio.run(parts.close())


def test_a_provider_that_can_not_be_made_is_a_fault_of_its_table(tmp_path: Path) -> None:
    google = {"provider": "google", "id": "m", "account": "p", "secret": KEYLESS}
    with pytest.raises(ConfigurationError) as caught:
        compose(settings(tmp_path / "data", google), serves=False)
    [fault] = caught.value.faults
    assert fault.where == "cdn.edge"
    assert "private key" in fault.what
    assert "hush" not in str(caught.value)
