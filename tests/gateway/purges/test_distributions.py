from __future__ import annotations

import sys

import pytest

from cdn.errors import ProviderMisconfigured
from cdn.setups import Setup
from gateway.purges.distributions import distribution


def test_the_client_is_boto3_s_with_the_keys_of_the_setup() -> None:
    setup = Setup("edge", "http://127.0.0.1:9", "E1", secret="s", access_key="AKIA")
    client = distribution(setup)
    assert client.meta.endpoint_url == "http://127.0.0.1:9"  # type: ignore[attr-defined]
    assert client.meta.service_model.service_name == "cloudfront"  # type: ignore[attr-defined]
    assert client.meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]


def test_without_boto3_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ProviderMisconfigured, match=r"ostiary\[cloudfront\]"):
        distribution(Setup("edge", id="E1"))
