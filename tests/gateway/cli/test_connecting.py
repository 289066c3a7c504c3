"""`ostiary connect`: what it tells, what it writes, and when it writes nothing."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.auth import Authenticator
from gateway.cli import main
from gateway.cli.drafts import Draft, Secrets, ZoneDraft, pending, publish
from gateway.cli.rungs import Rung, higher, storage_environment
from gateway.configuration import load
from gateway.settings import SCOPES
from gateway.survey.installing import called
from gateway.survey.triggers import Telling
from tests.contract.server import USER_A, ContractServer
from tests.contract.server.running import S3_ACCESS_KEY, S3_SECRET_KEY

NAME = f"{USER_A}/report.pdf"


class Desk:
    """`ostiary` in a folder of its own, beside a project."""

    def __init__(self, folder: Path, server: ContractServer) -> None:
        self.folder = folder
        self.server = server
        self.config = folder / "ostiary.toml"
        self.environ: dict[str, str] = {
            "SUPABASE_SERVICE_ROLE_KEY": server.service,
            "SUPABASE_ANON_KEY": server.anon,
            "OSTIARY_SUPABASE__JWT_SECRET": server.jwt_secret,
        }

    def run(self, *words: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, words, env=self.environ)
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        for secret in self.secrets():
            assert secret not in result.output
        return result

    def connect(self, *options: str, status: int = 0) -> Result:
        return self.run("connect", "--supabase-url", self.server.url, *options, status=status)

    def json(self, *options: str, status: int = 0) -> Any:
        return json.loads(self.connect("--json", *options, status=status).stdout)

    def written(self) -> dict[str, Any]:
        return tomllib.loads(self.config.read_text(encoding="utf-8"))

    def secrets(self) -> list[str]:
        known = [*self.environ.values(), NAME]
        if self.config.exists():
            written = self.written()
            known += [written["supabase"]["webhook_secret"], written["signing"]["keys"]["k1"]]
        return [text for text in known if len(text) > 12 and not text.startswith("/")]

    def put(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture(scope="module")
def server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        server.put("documents", NAME, b"%PDF")
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: ContractServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if "SUPABASE" in name or "OSTIARY" in name]:
        monkeypatch.delenv(name)
    known = structlog.get_config()
    yield Desk(tmp_path, server)
    structlog.configure(**known)
    server.faults.clear()


# What it writes ------------------------------------------------------------------------------


def test_the_file_says_what_was_found(desk: Desk) -> None:
    desk.connect()
    written = desk.written()
    assert written["supabase"] == {
        "url": desk.server.url,
        "service_key": desk.server.service,
        "jwt_secret": desk.server.jwt_secret,
        "webhook_secret": written["supabase"]["webhook_secret"],
    }
    assert written["stores"] == {"main": {"url": "supabase:"}}
    assert written["zones"] == {
        "documents": {"store": "main", "buckets": ["documents"], "cache": "private"},
        "documents-public": {"store": "main", "buckets": ["pub"], "cache": "windowed"},
    }
    assert Path(written["server"]["data"]) == desk.folder / "var"
    assert load(desk.config, {}).settings.supabase_zones()


def test_the_file_is_for_its_owner_alone(desk: Desk) -> None:
    known = os.umask(0)
    try:
        desk.connect()
    finally:
        os.umask(known)
    assert stat.S_IMODE(desk.config.stat().st_mode) == 0o600
    assert [path.name for path in desk.folder.iterdir()] == ["ostiary.toml"]


def test_secrets_are_new_each_time_and_only_the_token_is_told(desk: Desk) -> None:
    token = desk.json()["token"]
    first = desk.written()
    assert desk.json("--force")["token"] != token
    second = desk.written()
    assert first["signing"] != second["signing"]
    assert first["supabase"]["webhook_secret"] != second["supabase"]["webhook_secret"]
    assert token not in desk.config.read_text()


def test_the_token_that_is_told_is_the_operators(desk: Desk) -> None:
    token = desk.json()["token"]
    admin = load(desk.config, {}).settings.admin
    assert Authenticator(admin).operator(f"Bearer {token}").scopes == SCOPES


def test_a_file_that_is_there_is_not_touched(desk: Desk) -> None:
    desk.config.write_text("# mine\n[supabase]\nwebhook_secret = ''\n[signing.keys]\nk1 = ''\n")
    before, asked = desk.config.read_bytes(), len(desk.server.requests)
    assert "--force" in desk.connect(status=1).output
    assert desk.config.read_bytes() == before
    assert len(desk.server.requests) == asked


def test_a_file_that_comes_meanwhile_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "ostiary.toml"
    with pending(path, "new") as partial:
        path.write_text("somebody else's")
        with pytest.raises(FileExistsError):
            publish(partial, path, force=False)
    assert path.read_text() == "somebody else's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "ostiary.toml"
    with pytest.raises(KeyboardInterrupt), pending(path, "new"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_another_file_can_be_named(desk: Desk) -> None:
    assert desk.json("--config", "other.toml")["file"] == "other.toml"
    desk.environ["OSTIARY_CONFIG"] = str(desk.folder / "third.toml")
    desk.connect()
    assert not desk.config.exists()
    assert {path.name for path in desk.folder.iterdir()} == {"other.toml", "third.toml"}


def test_buckets_zone_cache_and_address_can_be_chosen(desk: Desk) -> None:
    options = ["--zone", "clinic", "--cache", "windowed", "--public-url", "https://docs.org/"]
    desk.connect("--bucket", "documents", *options)
    assert desk.written()["zones"] == {
        "clinic": {
            "store": "main",
            "buckets": ["documents"],
            "cache": "windowed",
            "public_url": "https://docs.org",
        }
    }


def test_published_keys_are_written_down(desk: Desk, tmp_path: Path) -> None:
    with ContractServer(algorithm="ES256") as server:
        other = Desk(tmp_path, server)
        other.environ = {"SUPABASE_SECRET_KEY": "sb_secret_contract"}
        other.connect()
    supabase = other.written()["supabase"]
    assert supabase["jwks_url"] == f"{server.url}/auth/v1/.well-known/jwks.json"
    assert "jwt_secret" not in supabase


def test_without_keys_for_tokens_the_file_says_who_judges(desk: Desk) -> None:
    del desk.environ["OSTIARY_SUPABASE__JWT_SECRET"]
    assert "Supabase alone judges" in desk.connect().output
    assert "Supabase alone judges" in desk.config.read_text()


@pytest.mark.parametrize("value", ['a "b" \\ c', "tab\tand \x7f", "ünï"])
def test_any_text_can_stand_in_the_file(value: str) -> None:
    zones = [ZoneDraft(value, [value], "private")]
    text = Draft(Path(value), value, value, zones, value, value).text
    read = tomllib.loads(text)
    assert read["zones"][value]["buckets"] == [value]
    assert read["supabase"]["jwt_secret"] == read["supabase"]["jwks_url"] == value
    assert read["server"]["data"] == value


def test_secrets_do_not_show_in_a_repr() -> None:
    hidden = ("hidden-1", "hidden-2", "hidden-3", "hidden-4", "hidden-5")
    draft = Draft(Path(), "url", hidden[0], [], "", hidden[1], Secrets(*hidden[2:]))
    assert not [word for word in hidden if word in repr(draft)]


# Where keys come from ------------------------------------------------------------------------


def test_the_command_says_whose_service_key_it_took(desk: Desk) -> None:
    assert desk.json()["service_key_from"] == "SUPABASE_SERVICE_ROLE_KEY"
    desk.environ["OSTIARY_SUPABASE__SERVICE_KEY"] = desk.server.service
    assert desk.json("--force")["service_key_from"] == "OSTIARY_SUPABASE__SERVICE_KEY"
    file = desk.put("service.key", f"\n{desk.server.service}\n")
    said = desk.connect("--force", "--service-key-file", file).output
    assert "The service key is that of service.key." in said
    desk.environ = {"SUPABASE_SECRET_KEY": "sb_secret_contract"}
    assert desk.json("--force")["service_key_from"] == "SUPABASE_SECRET_KEY"


def test_keys_can_be_in_files(desk: Desk) -> None:
    desk.environ = {}
    desk.connect(
        *("--service-key-file", desk.put("service", desk.server.service)),
        *("--anon-key-file", desk.put("anon", desk.server.anon)),
        *("--jwt-secret-file", desk.put("jwt", desk.server.jwt_secret)),
    )
    assert desk.written()["supabase"]["jwt_secret"] == desk.server.jwt_secret


def test_no_service_key_is_told_with_the_ways_to_give_one(desk: Desk) -> None:
    desk.environ = {"SUPABASE_SECRET_KEY": " "}
    assert "SUPABASE_SERVICE_ROLE_KEY" in desk.connect(status=2).output


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"a" * 70_000])
def test_a_file_without_a_key_is_told(desk: Desk, content: bytes) -> None:
    (desk.folder / "key").write_bytes(content)
    assert "key: is " in desk.connect("--service-key-file", "key", status=1).output


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("ref.supabase.co", "is it https://ref.supabase.co?"),
        ("127.0.0.1:8000", "is it http://127.0.0.1:8000?"),
        ("https://ref.supabase.co/storage/v1", "give https://ref.supabase.co\n"),
        ("https://ref.supabase.co?a=b", "give https://ref.supabase.co\n"),
        ("https://supabase.com/dashboard/project/ref", "The project is at https://ref.supabase.co"),
        ("https://app.supabase.com/project/ref/api", "The project is at https://ref.supabase.co"),
        ("ftp://a", "such as https://ref.supabase.co"),
        ("https://u:hidden@ref.supabase.co/x", "such as https://ref.supabase.co"),
    ],
)
def test_an_address_that_is_no_origin_is_told_with_what_is_meant(
    desk: Desk, url: str, remedy: str
) -> None:
    said = desk.run("connect", "--supabase-url", url, status=2).output
    assert "is not scheme and host" in said
    assert remedy in said
    assert "hidden" not in said


def test_a_slash_at_the_end_of_an_address_is_let_pass(desk: Desk) -> None:
    desk.run("connect", "--supabase-url", f"{desk.server.url}/")
    assert desk.written()["supabase"]["url"] == desk.server.url


def test_the_project_has_to_be_named(desk: Desk) -> None:
    assert "--supabase-url is needed" in desk.run("connect", status=2).output


# When something is wrong ---------------------------------------------------------------------


def test_a_failed_check_writes_nothing(desk: Desk) -> None:
    desk.environ["SUPABASE_SERVICE_ROLE_KEY"] = desk.server.user_a
    said = desk.connect(status=1).output
    assert "fail service key: is a key of the role authenticated" in said
    assert "nothing was written" in said
    assert list(desk.folder.iterdir()) == []


def test_a_script_is_told_which_check_failed(desk: Desk) -> None:
    desk.environ["SUPABASE_SERVICE_ROLE_KEY"] = desk.server.anon
    said = desk.json(status=1)
    assert [check["name"] for check in said["checks"] if check["state"] == "fail"] == [
        "service key"
    ]
    assert "token" not in said


def test_a_name_that_no_zone_may_have_is_told(desk: Desk) -> None:
    for name in ("My Zone", "", "a" * 26):
        said = desk.connect("--zone", name, status=2).output
        assert "is not a name" in said
        assert "storage: answers" not in said


def test_a_folder_that_can_not_be_written_to_is_told_before_anything_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = desk.connect("--config", "nowhere/ostiary.toml", status=1).output
    assert f"there is no folder {desk.folder / 'nowhere'}" in said
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    said += desk.connect(status=1).output
    assert f"{desk.folder} may not be written to" in said
    assert "storage: answers" not in said


def test_the_s3_endpoint_is_tried_when_its_keys_are_given(desk: Desk) -> None:
    desk.environ |= {
        "OSTIARY_STORES__MAIN__S3_ACCESS_KEY": S3_ACCESS_KEY,
        "OSTIARY_STORES__MAIN__S3_SECRET_KEY": S3_SECRET_KEY,
        "OSTIARY_STORES__MAIN__S3_REGION": "local",
    }
    assert "ok   store main: answers by the S3 endpoint" in desk.connect().output
    desk.environ["OSTIARY_STORES__MAIN__S3_SECRET_KEY"] = "not-the-secret"
    assert "fail store main: the S3 endpoint" in desk.connect("--force", status=1).output


# Events --------------------------------------------------------------------------------------


def test_the_rung_in_force_is_told_and_the_way_to_the_next(desk: Desk) -> None:
    said = desk.connect("--gateway-url", "https://gw.example.org").output
    assert "Events: read-through." in said
    assert "--print-sql --gateway-url https://gw.example.org" in said
    assert "CDN_PURGE_ENDPOINT_URL=https://gw.example.org/hooks\n" in said
    assert "WEBHOOK_URL=https://gw.example.org/hooks/storage\n" in said
    assert desk.json("--force")["rung"] == "read-through"


def test_the_sql_is_printed_without_the_secret_and_without_a_project(desk: Desk) -> None:
    said = desk.run("connect", "--print-sql", "--gateway-url", "https://gw.example.org").stdout
    assert "https://gw.example.org/hooks/database" in said
    assert "<webhook_secret>" in said
    assert "--gateway-url is needed" in desk.run("connect", "--print-sql", status=2).output


def test_the_database_needs_the_gateways_address(desk: Desk) -> None:
    desk.environ["OSTIARY_CONNECT_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/x"
    assert "--gateway-url is needed" in desk.connect(status=2).output


def test_a_database_that_is_not_there_stops_everything(desk: Desk) -> None:
    file = desk.put("database.url", "postgresql://u:hidden@127.0.0.1:1/x")
    options = ["--gateway-url", "https://gw.example.org", "--database-url-file", file]
    said = desk.connect(*options, status=1).output
    assert "the webhook can not be installed" in said
    assert "hidden" not in said
    assert not desk.config.exists()


def test_the_variable_of_the_database_is_no_setting_and_no_fault(desk: Desk) -> None:
    desk.connect()
    desk.environ["OSTIARY_CONNECT_DATABASE_URL"] = "postgresql://x"
    desk.run("config", "show")


def test_a_hosted_project_needs_no_environment_of_ours() -> None:
    assert storage_environment("https://ref.supabase.co", "https://gw.example.org") == []
    assert storage_environment("http://127.0.0.1:8000", "")[0].endswith("GATEWAY/hooks/storage")


def test_with_the_webhook_in_force_there_is_nothing_higher() -> None:
    rung = Rung("net.http_post")
    assert (rung.name, list(higher(rung, "", "ostiary.toml"))) == ("webhook", [])
    assert "net.http_post" in rung.detail


def test_the_package_for_the_database_is_named_when_it_is_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    desk.environ["OSTIARY_CONNECT_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/x"
    said = desk.connect("--gateway-url", "https://gw.example.org", status=1).output
    assert "ostiary[postgres]" in said
    assert not desk.config.exists()


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"objects": "ON x EXECUTE FUNCTION f('https://gw/hooks/database')"},
        dict.fromkeys(("objects", "buckets"), "EXECUTE FUNCTION f('https://other/hooks/database')"),
        {
            "objects": "EXECUTE FUNCTION f('https://gw/hooks/database')",
            "buckets": "EXECUTE FUNCTION g('https://gw/hooks/database')",
        },
    ],
)
def test_triggers_of_somebody_else_are_no_proof(found: dict[str, str]) -> None:
    assert called(found, Telling("https://gw")) == ""


def test_public_buckets_alone_are_one_zone(desk: Desk) -> None:
    desk.connect("--bucket", "pub")
    assert list(desk.written()["zones"]) == ["documents-public"]
