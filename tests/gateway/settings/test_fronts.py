"""What stands in front: who is trusted, by what CDNs are known, and what would prove nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.configuration import load
from gateway.errors import ConfigurationError
from gateway.settings import CdnSettings, Server, Settings
from gateway.settings.rules import RulesBroken

DIGEST = "0a" * 32
TLS = {"certificate": "a.pem", "key": "a.key", "client_ca": "ca.pem"}


def broken(server: dict[str, object], *cdns: dict[str, object], **zone: object) -> dict[str, str]:
    """What breaks a rule, by its place; nothing for settings that hold."""
    tables: dict[str, Any] = {
        "server": server,
        "signing": {"keys": {"k1": "ab" * 32}},
        "stores": {"main": {"url": "memory:"}},
        "zones": {"clinic": {"store": "main", "buckets": ["documents"], **zone}},
        "cdn": {f"c{number}": {"provider": "null", **cdn} for number, cdn in enumerate(cdns)},
    }
    try:
        Settings.model_validate(tables)
    except ValidationError as error:
        (detail,) = error.errors()
        cause = detail["ctx"]["error"]
        assert isinstance(cause, RulesBroken)
        return {".".join(breach.path): breach.what for breach in cause.breaches}
    return {}


def test_what_goes_together_is_needed_together() -> None:
    named = {"certificates": ["cdn.example.org"]}
    assert broken(TLS, named, pull="cdn") == {}
    assert broken({"certificate": "a", "key": "b"}) == {}
    assert set(broken({"certificate": "a"})) == {"server.key"}
    assert set(broken({"key": "a"})) == {"server.certificate"}
    assert set(broken({"client_ca": "a"}, named)) == {"server.client_ca"}
    assert set(broken({}, named)) == {"cdn.c0.certificates"}


def test_an_authority_alone_proves_nobody() -> None:
    told = {"server.client_ca": "proves no CDN: others have that authority too"}
    assert broken(TLS) == told
    assert broken(TLS, {"shield": ["s"]}, pull="cdn") == told


@pytest.mark.parametrize("proof", [{"shield": ["s"]}, {"certificates": ["cdn.example.org"]}])
def test_a_zone_is_closed_only_where_a_cdn_of_its_own_can_prove_itself(
    proof: dict[str, object],
) -> None:
    server: dict[str, object] = dict(TLS) if "certificates" in proof else {}
    assert broken(server, proof, {}, pull="cdn") == {}
    assert set(broken(server, proof, {}, pull="cdn", cdn=["c1"])) == {"zones.clinic.pull"}
    assert set(broken({}, {}, pull="cdn")) == {"zones.clinic.pull"}


def test_a_field_is_believed_of_somebody_and_proxies_have_a_field() -> None:
    chain = {"client_field": "X-Forwarded-For"}
    assert broken({**chain, "trusted_proxies": ["10.0.0.0/8"]}) == {}
    assert broken(chain, {"shield": ["s"]}) == {}
    assert set(broken(chain)) == {"server.client_field"}
    assert set(broken({"host_field": "X-Forwarded-Host"}, {})) == {"server.host_field"}
    assert set(broken({"trusted_proxies": ["10.0.0.1"]})) == {"server.client_field"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ],
)
def test_a_network_has_no_bit_beyond_its_prefix(written: str, meant: str) -> None:
    assert Server(trusted_proxies=(written,)).trusted_proxies == (meant,)


@pytest.mark.parametrize(
    "network",
    [
        "",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "0.0.0.0/0",
        "::/0",
        "::ffff:0:0/96",
        "cdn.example",
        "10.0.0.0-9",
    ],
)
def test_what_would_trust_more_than_is_meant_is_refused(network: str) -> None:
    with pytest.raises(ValidationError):
        Server(trusted_proxies=(network,))


@pytest.mark.parametrize("field", ["X Forwarded", "x-forwarded-for:", "X,Y", "é", "x" * 65])
def test_a_field_has_a_fields_name(field: str) -> None:
    for name in ("client_field", "host_field"):
        with pytest.raises(ValidationError):
            Server.model_validate({name: field})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CDN.example.org", "cdn.example.org"),
        (f"sha256:{DIGEST.upper()}", f"sha256:{DIGEST}"),
        (DIGEST, f"sha256:{DIGEST}"),
        (":".join(["0A"] * 32), f"sha256:{DIGEST}"),
        ("spiffe://example.org/cdn", "spiffe://example.org/cdn"),
    ],
)
def test_a_certificate_is_named_by_name_or_digest(written: str, meant: str) -> None:
    cdn = CdnSettings(provider="null", certificates=(written,))
    assert cdn.certificates == (meant,)
    assert cdn.proves


@pytest.mark.parametrize("name", ["", " ", "a b", "sha256:", "sha256:0a", "é", "a\n"])
def test_what_names_no_certificate_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CdnSettings(provider="null", certificates=(name,))


@pytest.mark.parametrize("secret", ["", " ", "a\n", " a", "a\t", "a\nb", "a\x00"])
def test_a_secret_that_no_field_can_show_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError):
        CdnSettings.model_validate({"provider": "null", "shield": ["good", secret]})


def test_a_faulty_cdn_breeds_no_second_fault(tmp_path: Path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text(
        f'[signing]\nkeys = {{ k1 = "{"ab" * 32}" }}\n[stores.main]\nurl = "memory:"\n'
        '[zones.clinic]\nstore = "main"\nbuckets = ["documents"]\npull = "cdn"\n'
        '[cdn.front]\nprovider = "nul"\nshield = ["s"]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    [fault] = caught.value.faults
    assert fault.where.startswith("cdn.front.provider ")
