"""`[supabase]` and the stores that lead to it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import Settings
from gateway.settings.addresses import StoreAddress

PROJECT = {"url": "https://ref.supabase.co", "service_key": "service"}


def settings(supabase: dict[str, Any], store: dict[str, Any] | None = None) -> Settings:
    return Settings.model_validate(
        {
            "signing": {"keys": {"k1": "1a" * 32}},
            "supabase": supabase,
            "stores": {"main": store or {"url": "supabase:"}, "disk": {"url": "memory:"}},
            "zones": {
                "clinic": {"store": "main", "buckets": ["documents", "scans"]},
                "other": {"store": "disk", "buckets": ["files"]},
            },
        }
    )


def refusal(supabase: dict[str, Any], store: dict[str, Any] | None = None) -> str:
    """Everything that is said against the settings."""
    with pytest.raises(ValidationError) as caught:
        settings(supabase, store)
    causes = [detail.get("ctx", {}).get("error") for detail in caught.value.errors()]
    return " ".join(
        f"{cause} {getattr(cause, 'hint', '')} {getattr(cause, 'breaches', '')}" for cause in causes
    )


def test_without_a_project_nothing_is_of_supabase() -> None:
    plain = Settings.model_validate({"signing": {"keys": {"k1": "1a" * 32}}})
    assert not plain.supabase.configured
    assert plain.supabase_zones() == {}


def test_a_store_of_supabase_is_read_by_rest_with_the_service_key() -> None:
    address = settings(PROJECT).addresses()["main"]
    assert (address.kind, address.root) == ("supabase", "https://ref.supabase.co")
    assert address.credentials.secret_key == "service"


def test_with_access_keys_it_is_read_by_the_s3_endpoint_below_the_storage_routes() -> None:
    keys = {"s3_access_key": "id", "s3_secret_key": "hush", "s3_region": "eu-central-1"}
    given = settings({"url": "http://127.0.0.1:8000"}, {"url": "supabase:", **keys})
    address = given.addresses()["main"]
    assert address.kind == "s3"
    assert address.endpoint == "http://127.0.0.1:8000/storage/v1/s3"
    assert (address.region, address.bucket, address.plain_http) == ("eu-central-1", "", True)
    assert (address.credentials.access_key, address.credentials.secret_key) == ("id", "hush")


def test_only_buckets_of_its_stores_are_its_own() -> None:
    assert settings(PROJECT).supabase_zones() == {"documents": "clinic", "scans": "clinic"}


def test_no_secret_stands_in_the_text_of_the_settings() -> None:
    given = settings({**PROJECT, "jwt_secret": "j" * 32, "webhook_secret": "w" * 16})
    shown = f"{given!r} {given.addresses()!r}"
    assert not any(secret in shown for secret in ("'service'", "jjjj", "wwww"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"url": "ref.supabase.co"}, "not scheme and host"),
        ({"url": "https://ref.supabase.co/"}, "not scheme and host"),
        ({"url": "https://ref.supabase.co/storage/v1"}, "not scheme and host"),
        ({"url": "https://me@ref.supabase.co"}, "not scheme and host"),
        ({"url": "https://ref.supabase.co?x=1"}, "not scheme and host"),
        ({"url": "ftp://ref.supabase.co"}, "not scheme and host"),
        ({"url": "https://ref.supabase.co:0"}, "not scheme and host"),
        ({"url": "https://[::1"}, "not scheme and host"),
        ({"url": "https://ref .co"}, "not scheme and host"),
        ({"jwks_url": "https://ref.supabase.co"}, "not an http or https URL"),
        ({"jwks_url": "file:///etc/keys"}, "not an http or https URL"),
        ({"jwks_url": "https://ref.supabase.co/a b"}, "not an http or https URL"),
        ({"jwt_secret": "short"}, "shorter than 32 octets"),
        ({"webhook_secret": "short"}, "shorter than 16 characters"),
        ({"webhook_secret": "with a space in it"}, "no field of a request"),
        ({"service_key": "two\nlines"}, "no field of a request"),
    ],
)
def test_a_value_that_cannot_work_is_refused(change: dict[str, str], what: str) -> None:
    assert what in refusal({**PROJECT, **change})


@pytest.mark.parametrize("key", ["service_key", "jwt_secret", "webhook_secret", "jwks_url"])
def test_what_belongs_to_a_project_needs_one(key: str) -> None:
    value = "https://ref.supabase.co/keys" if key == "jwks_url" else "s" * 32
    assert "nothing without supabase.url" in refusal({key: value}, {"url": "memory:"})


def test_a_store_of_supabase_needs_the_project_and_a_key_to_it() -> None:
    assert "needs [supabase] url" in refusal({})
    assert "needs [supabase] service_key" in refusal({"url": "https://ref.supabase.co"})


@pytest.mark.parametrize(
    ("store", "what"),
    [
        ({"url": "supabase:", "s3_access_key": "id"}, "go together"),
        ({"url": "supabase:", "s3_secret_key": "hush"}, "go together"),
        ({"url": "memory:", "s3_access_key": "id", "s3_secret_key": "hush"}, "takes no s3_access"),
        ({"url": "memory:", "s3_region": "eu"}, "takes no s3_access"),
        ({"url": "supabase:", "access_key": "id", "secret_key": "hush"}, "takes no access_key"),
    ],
)
def test_each_kind_of_store_has_its_own_keys(store: dict[str, str], what: str) -> None:
    assert what in refusal(PROJECT, store)


def test_addresses_that_are_equal_are_equal_values() -> None:
    assert settings(PROJECT).addresses() == settings(PROJECT).addresses()
    assert settings(PROJECT).addresses()["disk"] == StoreAddress("memory")
