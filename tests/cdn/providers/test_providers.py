from __future__ import annotations

import httpx
import pytest

from cdn.errors import ProviderMisconfigured
from cdn.fields import PROFILES
from cdn.providers import LATER, PROVIDERS, Provider, build
from cdn.providers.null import Null
from cdn.providers.varnish import Varnish


def built(kind: str) -> Provider:
    return build(kind, "edge", "http://varnish:6081", "secret", httpx.AsyncClient())


def test_a_provider_is_built_by_its_kind() -> None:
    assert isinstance(built("varnish"), Varnish)
    assert isinstance(built("null"), Null)
    assert {built(kind).name for kind in PROVIDERS} == {"edge"}


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_a_provider_says_what_it_can_do(kind: str) -> None:
    provider = built(kind)
    assert provider.profile in PROFILES.values()
    assert provider.limits.batch >= 1
    assert provider.limits.rate > 0
    assert provider.soft


@pytest.mark.parametrize("kind", sorted(LATER))
def test_a_kind_that_comes_later_says_so_and_its_fields_are_known(kind: str) -> None:
    assert kind in PROFILES
    with pytest.raises(ProviderMisconfigured, match="not built yet"):
        built(kind)


def test_a_misspelt_kind_is_told_its_nearest() -> None:
    with pytest.raises(ProviderMisconfigured, match="did you mean varnish"):
        built("varnsh")
    with pytest.raises(ProviderMisconfigured) as fault:
        built("qqq")
    assert fault.value.hint == ""
