"""Faults: all of them at once, each with its place and source, none with a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gateway.configuration import load
from gateway.errors import ConfigurationError, Fault

KEY = {"OSTIARY_SIGNING__KEYS": json.dumps({"k1": "ab" * 32})}
Faults = Callable[[Path | None, Mapping[str, str]], dict[str, Fault]]


def write(folder: Path, text: str) -> Path:
    file = folder / "ostiary.toml"
    file.write_text(text)
    return file


def test_nothing_starts_without_a_key(faults: Faults) -> None:
    found = faults(None, {})
    assert found["signing.keys"].what == "is needed"
    assert "OSTIARY_SIGNING__KEYS" in found["signing.keys"].hint


def test_a_fault_names_its_place_and_its_source(example: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(example, {"OSTIARY_ZONES__CLINIC__WINDOW": "0"})
    (fault,) = caught.value.faults
    assert fault.where == "zones.clinic.window [OSTIARY_ZONES__CLINIC__WINDOW]"
    assert fault.what == "must be at least 1"


@pytest.mark.parametrize(
    ("text", "where", "what", "hint"),
    [
        ("[server]\nprot = 1", "server.prot", "is no setting", "nearest: server.port"),
        ("[zone.a]\nttl = 1", "zone", "is no setting", "nearest: zones"),
        ("port = 1", "port", "is no setting", "nearest: server.port"),
        ("[server]\nqqqq = 1", "server.qqqq", "is no setting", "known here: host, port"),
        ("[zones.a]\nwindw = 1", "zones.a.windw", "is no setting", "nearest: zones.a.window"),
        ("[zones.a]\nstore = 'm'", "zones.a.buckets", "is needed", "OSTIARY_ZONES__A__BUCKETS"),
        ("zones = 3", "zones", "must be a table", ""),
        ("server = []", "server", "must be a table", ""),
        ("[server]\nport = '1'", "server.port", "must be a whole number", ""),
        ("[server]\nport = 70000", "server.port", "must be at most 65535", ""),
        ("[server]\nhost = 1", "server.host", "must be text", ""),
        ("[server]\nhost = ''", "server.host", "must not be empty", ""),
        ("[server]\ncorp = 'cross_origin'", "server.corp", "must be one of", "nearest: cross-orig"),
        ("[signing]\nkeys = {}", "signing.keys", "must not be empty", ""),
        ("[signing]\nkeys = { k1 = 1 }", "signing.keys.k1", "must be text", ""),
        ("[signing]\nkeys = { K1 = 'a' }", "signing.keys.K1", "", ""),
        ("[signing]\nseal_key = 1", "signing.seal_key", "must be text", ""),
        ("[admin]\ntokens = 'x'", "admin.tokens", "must be a list", ""),
        ("[admin]\ntoken = [{ id = 'a' }]", "admin.token.0.hash", "is needed", ""),
        ("[zones.a]\ncors = 1", "zones.a.cors", "must be true or false", ""),
        ("[zones.'x y']\nttl = 1", 'zones."x y"', "is not a name", ""),
        ("[zones.a]\ncache = 'egde'", "zones.a.cache", "must be one of", "nearest: edge"),
        (
            "[[admin.token]]\nid = 'a'\nhash = 'b'\nscopes = ['link']",
            "admin.token.0.scopes.0",
            "must be one of",
            "nearest: links",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_told_in_plain_words(
    tmp_path: Path, faults: Faults, text: str, where: str, what: str, hint: str
) -> None:
    fault = faults(write(tmp_path, text), {})[where]
    assert what in fault.what
    assert hint in fault.hint


@pytest.mark.parametrize(
    ("name", "value", "where", "what", "hint"),
    [
        ("ZONES__A__TTLL", "1", "OSTIARY_ZONES__A__TTLL", "no setting", "OSTIARY_ZONES__A__TTL"),
        ("SERVER_PORT", "1", "OSTIARY_SERVER_PORT", "no setting", "OSTIARY_SERVER__PORT"),
        ("PORT", "80", "OSTIARY_PORT", "no setting", "OSTIARY_SERVER__PORT"),
        ("SERVER__PORT__X", "1", "OSTIARY_SERVER__PORT__X", "no setting", ""),
        ("SERVER__", "1", "OSTIARY_SERVER__", "no setting", ""),
        ("", "1", "OSTIARY_", "no setting", ""),
        ("QQQQQQ", "1", "OSTIARY_QQQQQQ", "no setting", ""),
        ("SERVER__prot", "1", "OSTIARY_SERVER__prot", "capitals", "OSTIARY_SERVER__PROT"),
        ("SEAL_KEY_FILE", "/x", "OSTIARY_SEAL_KEY_FILE", "no setting", "SIGNING__SEAL_KEY_FILE"),
        ("SERVER__PORT", "eighty", "server.port", "whole number", ""),
        ("SERVER__PORT", "", "server.port", "whole number", ""),
        ("SERVER__PORT", "٣", "server.port", "whole number", ""),
        ("ZONES__A__CORS", "maybe", "zones.a.cors", "true or false", ""),
        ("ZONES__A__BUCKETS", "a,b", "zones.a.buckets", "a list", '["documents", "scans"]'),
        ("ZONES__A__BUCKETS", '{"a": 1}', "zones.a.buckets", "a list", "JSON"),
        ("ZONES__A__BUCKETS", "[" * 100_000, "zones.a.buckets", "a list", "JSON"),
        ("SIGNING__KEYS", "abcd", "signing.keys", "a table", "JSON"),
        ("SIGNING__KEYS", '{"k1": "a", "k1": "b"}', "signing.keys", "twice", ""),
        ("SERVER__DATA", "\udcff", "server.data", "UTF-8", ""),
    ],
)
def test_what_is_wrong_in_the_environment_is_told_in_plain_words(
    example: Path, faults: Faults, name: str, value: str, where: str, what: str, hint: str
) -> None:
    fault = faults(example, {"OSTIARY_" + name: value})[where]
    assert what in fault.what
    assert hint in fault.hint


def test_two_spellings_of_one_setting_are_refused(faults: Faults) -> None:
    environ = {**KEY, "OSTIARY_CDN__A_B__PROVIDER": "null", "OSTIARY_CDN__A-B__PROVIDER": "null"}
    assert "same as" in faults(None, environ)["OSTIARY_CDN__A_B__PROVIDER"].what


def test_a_file_of_bad_toml_is_one_fault_with_its_line(tmp_path: Path, faults: Faults) -> None:
    file = write(tmp_path, "[server]\nport = \n")
    found = faults(file, {"OSTIARY_SERVR__PORT": "1"})
    assert "line 2" in found[str(file)].what
    assert set(found) == {str(file), "OSTIARY_SERVR__PORT"}


def test_a_file_too_deep_to_read_is_a_fault(tmp_path: Path, faults: Faults) -> None:
    file = write(tmp_path, "a = " + "[" * 100_000)
    assert "too deep" in faults(file, {})[str(file)].what


def test_a_file_that_can_not_be_read_is_a_fault(tmp_path: Path, faults: Faults) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"#" * 1_100_000)
    for name, hint in {
        "none": "No such",
        "": "directory",
        "latin": "UTF-8",
        "large": "more",
    }.items():
        found = faults(tmp_path / name, {})
        assert hint in found[str(tmp_path / name)].hint


def test_a_secret_whose_file_is_missing_is_one_fault(faults: Faults) -> None:
    found = faults(None, {"OSTIARY_SIGNING__KEYS__K1_FILE": "/nowhere"})
    assert found.keys() == {"signing.keys.k1"}
    assert found["signing.keys.k1"].where.endswith("[OSTIARY_SIGNING__KEYS__K1_FILE]")
    assert "No such file" in found["signing.keys.k1"].hint


def test_a_file_s_name_that_is_none_is_a_fault(faults: Faults) -> None:
    assert "signing.keys" in faults(None, {"OSTIARY_SIGNING__KEYS_FILE": "a\0b"})


def test_a_value_in_the_way_of_a_table_stays_to_be_seen(tmp_path: Path, faults: Faults) -> None:
    file = write(tmp_path, "zones = 3")
    assert faults(file, {"OSTIARY_ZONES__A__TTL": "1"})["zones"].what == "must be a table"


def test_a_broken_rule_between_tables_is_told_once_with_its_source(example: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(example, {"OSTIARY_ADMIN__PORT": "8080", "OSTIARY_SERVER__REGION": ""})
    assert [fault.where for fault in caught.value.faults] == [
        f"zones.clinic.home [{example}]",
        "admin.port [OSTIARY_ADMIN__PORT]",
    ]


def test_faults_of_tables_and_between_tables_are_told_at_once(
    tmp_path: Path, example: Path, faults: Faults
) -> None:
    second = """
    [zones.second]
    store = "mian"
    buckets = ["scans"]
    ttl = -1
    [zones.third]
    ttl = 1
    [zones.fourth]
    store = "other"
    buckets = ["x"]
    [stores.other]
    url = "ftp://host"
    """
    file = write(tmp_path, example.read_text() + second)
    found = faults(file, {"OSTIARY_SERVER__PROT": "1", "OSTIARY_ADMIN__PORT": "8080"})
    assert set(found) == {
        "OSTIARY_SERVER__PROT",
        "admin.port",
        "stores.other.url",
        "zones.second.buckets",
        "zones.second.store",
        "zones.second.ttl",
        "zones.third.buckets",
        "zones.third.store",
    }


def test_a_faulty_table_breeds_no_faults_of_the_rules_that_need_it(
    tmp_path: Path, faults: Faults
) -> None:
    text = """
    [server]
    region = "E U"
    [signing]
    keys = { k1 = "short" }
    [stores]
    main = 3
    [zones]
    a = { store = "main", buckets = ["x"], home = "eu", sealed = true }
    b = 3
    """
    found = faults(write(tmp_path, text), {})
    assert set(found) == {"server.region", "signing.keys.k1", "stores.main", "zones.b"}


def test_secrets_in_the_wrong_place_are_not_repeated(tmp_path: Path, example: Path) -> None:
    secret = "c0ffee05" * 8
    places = [
        {"OSTIARY_SIGNING__KEYS": secret},
        {"OSTIARY_SIGNING__KEYS": json.dumps({secret: "k1"})},
        {"OSTIARY_SIGNING__KEYS": f'{{"k1": "{secret}"'},
        {"OSTIARY_SIGNING__KEYS__K1": secret + "x"},
        {"OSTIARY_SIGNING__KEYS__K1_FILE": secret},
        {f"OSTIARY_SIGNING__KEYS__{secret.upper()}": "k1"},
        {f"OSTIARY_{secret.upper()}": "k1"},
        {f"OSTIARY_{secret}": "k1"},
        {f"OSTIARY_CDN__A_{secret.upper()}": "{}", f"OSTIARY_CDN__A-{secret.upper()}": "{}"},
        {"OSTIARY_SIGNING__ACTIVE": secret},
        {"OSTIARY_SIGNING__SEAL_KEY": secret},
        {"OSTIARY_ADMIN__TOKENS": json.dumps([secret])},
        {"OSTIARY_ADMIN__TOKEN": json.dumps([{"id": secret + "X", "hash": secret, "scopes": [1]}])},
        {"OSTIARY_STORES__MAIN__SECRET_KEY": secret},
        {"OSTIARY_STORES__MAIN__URL": f"s3://{secret}:{secret}@x?{secret}"},
        {"OSTIARY_STORES__MAIN__URL": f"s3:?{secret}={secret}"},
        {"OSTIARY_CDN__VARNISH__SECRET": secret + " x"},
        {"OSTIARY_CDN__VARNISH__URL": f"http://{secret}@host"},
        {"OSTIARY_SERVER__PORT": secret},
    ]
    for environ in places:
        with pytest.raises(ConfigurationError) as caught:
            load(example, environ)
        told = f"{caught.value} {caught.value.faults!r} {caught.value.__cause__!r}"
        assert secret.lower() not in told.lower(), environ
    broken = write(tmp_path, f'[signing]\nkeys = {{ "{secret}" = 1, "{secret}" = 2 }}')
    with pytest.raises(ConfigurationError) as caught:
        load(broken, {})
    assert secret not in str(caught.value)
