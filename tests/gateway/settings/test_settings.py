"""Settings: the whole example is understood, and every rule between tables holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.documents import Zone
from gateway.settings import Settings, ZoneSettings
from gateway.settings.rules import Breach, RulesBroken


def breaches(tables: dict[str, Any]) -> dict[str, Breach]:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(tables)
    (detail,) = caught.value.errors()
    cause = detail["ctx"]["error"]
    assert isinstance(cause, RulesBroken)
    return {".".join(breach.path): breach for breach in cause.breaches}


def test_a_key_is_all_that_is_needed() -> None:
    settings = Settings.model_validate({"signing": {"keys": {"k1": "ab" * 32}}})
    assert settings.server.port == 8080
    assert settings.zone_values() == {}


def test_settings_are_frozen(whole: dict[str, Any]) -> None:
    settings = Settings.model_validate(whole)
    with pytest.raises(ValidationError):
        settings.server.port = 1


def test_a_zone_becomes_the_value_the_gateway_works_with(whole: dict[str, Any]) -> None:
    zone = Settings.model_validate(whole).zone_values()["clinic"]
    assert zone == Zone(
        name="clinic",
        store="main",
        buckets=("documents", "scans"),
        cache="windowed",
        public_url="https://docs.example.org",
        home="eu",
        allowed=("eu", "ch"),
        revocable=("documents/reports/",),
        sealed=True,
        cdn=("varnish", "spare"),
    )


def test_the_zone_value_and_its_settings_have_the_same_fields_and_defaults() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(Zone)}
    settings = {name: info.default for name, info in ZoneSettings.model_fields.items()}
    del fields["name"], fields["store"], fields["buckets"], fields["cdn"]
    del settings["store"], settings["buckets"], settings["cdn"]
    assert settings == fields


@pytest.mark.parametrize("named", [[], ["spare"]])
def test_a_zone_may_narrow_its_cdns(whole: dict[str, Any], named: list[str]) -> None:
    whole["zones"]["clinic"]["cdn"] = named
    assert Settings.model_validate(whole).zone_values()["clinic"].cdn == tuple(named)


def test_a_zone_needs_a_store_that_is_there(whole: dict[str, Any]) -> None:
    whole["zones"]["clinic"]["store"] = "mian"
    assert breaches(whole)["zones.clinic.store"].hint == "known: main"


def test_a_zone_without_any_store_is_told_so(whole: dict[str, Any]) -> None:
    del whole["stores"]
    assert breaches(whole)["zones.clinic.store"].hint == "none is configured"


def test_a_zone_may_name_configured_cdns_only(whole: dict[str, Any]) -> None:
    whole["zones"]["clinic"]["cdn"] = ["varnish", "fast"]
    assert breaches(whole)["zones.clinic.cdn"].what == "fast is no configured CDN"


def test_a_sealed_zone_needs_a_seal_key(whole: dict[str, Any]) -> None:
    del whole["signing"]["seal_key"]
    assert "128 hex" in breaches(whole)["zones.clinic.sealed"].hint


def test_mode_edge_needs_a_cdn_that_can_prove_itself(whole: dict[str, Any]) -> None:
    whole["zones"]["clinic"]["cache"] = "edge"
    assert Settings.model_validate(whole).zones["clinic"].cache == "edge"
    whole["cdn"]["varnish"]["shield"] = []
    assert "edge needs a CDN that can prove itself" in breaches(whole)["zones.clinic.cache"].what
    whole["cdn"]["varnish"]["shield"] = ["new"]
    whole["zones"]["clinic"]["cdn"] = []
    assert "edge needs a CDN that can prove itself" in breaches(whole)["zones.clinic.cache"].what


def test_mode_edge_needs_an_address_where_it_can_be_tried(whole: dict[str, Any]) -> None:
    whole["zones"]["clinic"] |= {"cache": "edge", "public_url": ""}
    assert "edge needs the address of the CDN" in breaches(whole)["zones.clinic.cache"].what


def test_a_home_without_a_region_of_the_server_is_refused(whole: dict[str, Any]) -> None:
    del whole["server"]["region"]
    assert "server.region" in breaches(whole)["zones.clinic.home"].hint


def test_a_bucket_belongs_to_one_zone_of_the_process(whole: dict[str, Any]) -> None:
    whole["stores"]["other"] = {"url": "memory:"}
    whole["zones"]["second"] = {"store": "other", "buckets": ["x", "scans"]}
    assert (
        breaches(whole)["zones.second.buckets"].what == "scans is a bucket of zone clinic already"
    )


def test_a_bucket_stands_once_in_its_zone(whole: dict[str, Any]) -> None:
    whole["zones"]["clinic"]["buckets"] = ["documents", "documents"]
    assert "zones.clinic.buckets" in breaches(whole)


def test_admin_and_server_have_ports_of_their_own(whole: dict[str, Any]) -> None:
    whole["admin"]["port"] = 8080
    assert "admin.port" in breaches(whole)


def test_two_free_ports_are_no_clash(whole: dict[str, Any]) -> None:
    whole["admin"]["port"] = whole["server"]["port"] = 0
    assert Settings.model_validate(whole).admin.port == 0


def test_a_token_is_for_zones_that_are_there(whole: dict[str, Any]) -> None:
    whole["admin"]["token"][0]["zones"] = ["clinic", "ward"]
    assert breaches(whole)["admin.token.0.zones"].what == "ward is no zone"


def test_every_broken_rule_is_told_at_once(whole: dict[str, Any]) -> None:
    whole["admin"]["port"] = 8080
    del whole["signing"]["seal_key"], whole["server"]["region"], whole["stores"]
    assert set(breaches(whole)) == {
        "admin.port",
        "zones.clinic.sealed",
        "zones.clinic.home",
        "zones.clinic.store",
    }
