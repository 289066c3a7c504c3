"""Configuration: the stronger source wins, value by value and table by table."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.configuration import load, locate
from gateway.configuration.sources import read_sources

KEY = {"OSTIARY_SIGNING__KEYS": json.dumps({"k1": "ab" * 32})}


def write(folder: Path, text: str) -> Path:
    file = folder / "ostiary.toml"
    file.write_text(text)
    return file


def test_the_example_of_the_documents_is_read_whole(example: Path) -> None:
    configuration = load(example, {})
    zone = configuration.settings.zone_values()["clinic"]
    assert (zone.buckets, zone.cdn, zone.home) == (("documents", "scans"), ("varnish",), "eu")
    assert set(configuration.origins.values()) == {str(example)}
    assert configuration.settings.signing.key_ring().active == "k2"


def test_the_environment_alone_is_enough() -> None:
    environ = {
        **KEY,
        "OSTIARY_STORES__MAIN__URL": "memory:",
        "OSTIARY_ZONES__EAST_WING__STORE": "main",
        "OSTIARY_ZONES__EAST_WING__BUCKETS": '["scans"]',
        "OSTIARY_ZONES__EAST_WING__SEALED": "off",
        "OSTIARY_ZONES__EAST_WING__TTL": "60",
        "OSTIARY_RENDITIONS__PRESETS__SMALL_ONE": "w160",
        "PATH": "/bin",
    }
    configuration = load(None, environ)
    zone = configuration.settings.zone_values()["east-wing"]
    assert (zone.ttl, zone.sealed, zone.buckets) == (60, False, ("scans",))
    assert configuration.settings.renditions.presets == {"small_one": "w160"}
    assert configuration.origins["zones.east-wing.ttl"] == "OSTIARY_ZONES__EAST_WING__TTL"


def test_the_environment_is_stronger_than_files_and_those_than_toml(
    tmp_path: Path, example: Path
) -> None:
    (tmp_path / "port").write_text("1001\n")
    (tmp_path / "data").write_text("from-file\n")
    environ = {
        "OSTIARY_SERVER__PORT_FILE": str(tmp_path / "port"),
        "OSTIARY_SERVER__DATA_FILE": str(tmp_path / "data"),
        "OSTIARY_SERVER__PORT": "1002",
    }
    configuration = load(example, environ)
    server = configuration.settings.server
    assert (server.port, server.data, server.region) == (1002, "from-file", "eu")
    assert configuration.origin(("server", "port")) == "OSTIARY_SERVER__PORT"
    assert configuration.origin(("server", "data")) == "OSTIARY_SERVER__DATA_FILE"
    assert configuration.origin(("server", "region")) == str(example)
    assert configuration.origin(("server", "workers")) == "default"


def test_a_table_as_json_takes_the_place_of_the_whole_table(tmp_path: Path, example: Path) -> None:
    (tmp_path / "k3").write_text("ab" * 32)
    environ = {**KEY, "OSTIARY_SIGNING__KEYS__K3_FILE": str(tmp_path / "k3")}
    environ["OSTIARY_SIGNING__ACTIVE"] = "k1"
    configuration = load(example, environ)
    assert list(configuration.settings.signing.keys) == ["k1"]
    assert [name for name in configuration.origins if name.startswith("signing.keys")] == [
        "signing.keys.k1"
    ]


def test_a_single_value_leaves_the_rest_of_its_table(example: Path) -> None:
    configuration = load(example, {"OSTIARY_SIGNING__KEYS__K9": "ab" * 32})
    assert list(configuration.settings.signing.keys) == ["k1", "k2", "k9"]


def test_in_one_source_a_value_is_stronger_than_the_table_it_stands_in() -> None:
    zone = {"store": "main", "buckets": ["scans"], "ttl": 1}
    environ = {
        **KEY,
        "OSTIARY_STORES": '{"main": {"url": "memory:"}}',
        "OSTIARY_ZONES__A": json.dumps(zone),
        "OSTIARY_ZONES__A__TTL": "2",
    }
    assert load(None, environ).settings.zones["a"].ttl == 2


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(json.dumps({"k1": "cd" * 32}) + "\r\n")
    (tmp_path / "seal").write_text("ef" * 64 + "\n")
    environ = {
        "OSTIARY_SIGNING__KEYS_FILE": str(tmp_path / "keys"),
        "OSTIARY_SIGNING__SEAL_KEY_FILE": str(tmp_path / "seal"),
    }
    signing = load(None, environ).settings.signing
    assert signing.keys["k1"].get_secret_value() == b"\xcd" * 32
    assert signing.seal_octets == b"\xef" * 64


SOURCES = st.dictionaries(st.sampled_from(["toml", "file", "environment"]), st.integers(1, 60_000))


@given(given_by=st.fixed_dictionaries({"port": SOURCES, "workers": SOURCES, "ttl": SOURCES}))
def test_each_value_is_the_one_of_its_strongest_source(
    tmp_path_factory: pytest.TempPathFactory, given_by: dict[str, dict[str, int]]
) -> None:
    paths = {
        "port": ("server", "port"),
        "workers": ("renditions", "workers"),
        "ttl": ("zones", "a", "ttl"),
    }
    folder = tmp_path_factory.mktemp("sources")
    environ, toml = dict[str, str](), list[str]()
    for name, sources in given_by.items():
        variable = "OSTIARY_" + "__".join(paths[name]).upper()
        for source, value in sources.items():
            if source == "toml":
                toml.append(f"{'.'.join(paths[name])} = {value}")
            elif source == "environment":
                environ[variable] = str(value)
            else:
                (folder / name).write_text(str(value))
                environ[variable + "_FILE"] = str(folder / name)
    sources = read_sources(write(folder, "\n".join(toml)), environ)
    assert not sources.faults
    for name, values in given_by.items():
        strongest = [values[s] for s in ("environment", "file", "toml") if s in values]
        found: Any = sources.tree.values
        for part in paths[name]:
            found = found.get(part, {})
        assert found == (strongest[0] if strongest else {})


NAMES = st.text("abc", min_size=1, max_size=2)
TABLES = st.dictionaries(NAMES, st.text("xyz", max_size=3), max_size=4)


@given(weak=TABLES, strong=TABLES, single=TABLES)
def test_a_table_replaces_and_single_values_merge(
    tmp_path_factory: pytest.TempPathFactory,
    weak: dict[str, str],
    strong: dict[str, str],
    single: dict[str, str],
) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in weak.items()]
    file = write(tmp_path_factory.mktemp("merge"), "\n".join(["[renditions.presets]", *lines]))
    environ = {f"OSTIARY_RENDITIONS__PRESETS__{n.upper()}": value for n, value in single.items()}
    tree = read_sources(file, environ).tree
    assert tree.values["renditions"] == {"presets": {**weak, **single}}
    environ["OSTIARY_RENDITIONS__PRESETS"] = json.dumps(strong)
    tree = read_sources(file, environ).tree
    assert tree.values["renditions"] == {"presets": {**strong, **single}}
    if merged := {**strong, **single}:
        assert set(tree.origins) == {f"renditions.presets.{name}" for name in merged}


@pytest.mark.parametrize(
    "environ",
    [
        {"OSTIARY_CONFIG": "x.toml"},
        {"OSTIARY_PURGE_SECRET": "of varnishd"},
        {"OSTIARY_SERVICE_HOST": "10.0.0.1", "OSTIARY_SERVICE_PORT": "80"},
        {"OSTIARY_PORT": "tcp://10.0.0.1:80", "OSTIARY_PORT_80_TCP_ADDR": "10.0.0.1"},
        {"OSTIARY_ADMIN_PORT": "tcp://10.0.0.1:80", "OSTIARY_ADMIN_SERVICE_PORT_HTTP": "80"},
        {"ostiary_server__port": "1", "OSTIARYX": "1"},
    ],
)
def test_variables_that_do_not_speak_to_the_settings_are_passed_over(
    environ: dict[str, str],
) -> None:
    assert list(load(None, KEY | environ).origins) == ["signing.keys.k1"]


def test_the_file_is_the_given_one_then_the_named_then_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"OSTIARY_CONFIG": "named.toml"}
    assert locate(Path("given.toml"), named) == Path("given.toml")
    assert locate(None, named) == Path("named.toml")
    assert locate(None, {}) is None
    write(tmp_path, "")
    assert locate(None, {}) == Path("ostiary.toml")


def test_the_example_file_is_what_toml_says_it_is(example: Path) -> None:
    tree = read_sources(example, {}).tree
    assert tree.values == tomllib.loads(example.read_text())
