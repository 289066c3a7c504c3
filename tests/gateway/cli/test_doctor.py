"""`ostiary doctor`: each thing it looks at, well and not well."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdn.providers.null import Null
from gateway.app import compose
from gateway.cli.doctor import Finding, certificates, data_folder, engine, hooks, look, sandbox
from gateway.cli.invocation import settings_of
from gateway.fronts.certificates import CertificateFiles
from gateway.state import receipts
from imaging.workers.pool import RenderPool
from tests.authorities import Authority
from tests.contract.server import ContractServer


def finding(shell: Any, name: str, *, status: int = 0) -> dict[str, str]:
    found = {one["name"]: one for one in shell.json("doctor", status=status)}
    assert name in found, found
    result = found[name]
    assert isinstance(result, dict)
    return result


def test_all_is_well_where_it_is(shell: Any) -> None:
    found = shell.json("doctor")
    assert [one["name"] for one in found if one["state"] == "FAIL"] == []
    assert {"configuration", "keys", "zones", "data folder", "state", "store main"} <= {
        one["name"] for one in found
    }
    lines = shell.says("doctor").splitlines()
    assert [line[:4] for line in lines] == [f"{one['state']:<4}" for one in found]


def test_nobody_to_call_the_api_is_a_note(shell: Any) -> None:
    assert finding(shell, "operators")["state"] == "note"
    shell.add(f'[admin]\ntokens = ["sha256:{"0f" * 32}"]\n')
    assert finding(shell, "operators")["state"] == "ok"


def test_no_zone_is_a_failure(shell: Any) -> None:
    text = shell.config.read_text()
    shell.config.write_text(text[: text.index("[zones.clinic]")])
    assert finding(shell, "zones", status=1)["what"] == "none: nothing can be served"


def test_a_zone_of_elsewhere_is_a_note(shell: Any) -> None:
    text = shell.configure(home="eu").config.read_text()
    shell.config.write_text(text.replace("[server]\n", '[server]\nregion = "us"\n'))
    assert finding(shell, "zones")["state"] == "note"


def test_a_data_folder_that_can_not_be_made_fails_and_so_does_the_state(shell: Any) -> None:
    (shell.folder / "data").write_text("no folder")
    assert finding(shell, "data folder", status=1)["state"] == "FAIL"
    assert finding(shell, "state", status=1)["what"].startswith("database: ")


def test_a_full_disk_fails(tmp_path: Path) -> None:
    assert data_folder(tmp_path / "new", room=1).state == "ok"
    assert data_folder(tmp_path / "new", room=1 << 62).state == "FAIL"
    assert list((tmp_path / "new").iterdir()) == []


def test_a_broken_database_fails(shell: Any) -> None:
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "ostiary.db").write_bytes(b"no database at all" * 100)
    assert finding(shell, "state", status=1)["state"] == "FAIL"


def test_a_database_of_a_later_release_fails(shell: Any) -> None:
    shell.sign()
    with sqlite3.connect(shell.folder / "data" / "ostiary.db") as connection:
        connection.execute("INSERT INTO schema_migration VALUES (999, 'later', '', 0)")
    found = shell.json("doctor", status=1)
    assert [one for one in found if one["state"] == "FAIL"]


def test_a_store_that_does_not_answer_fails_with_a_hint(shell: Any) -> None:
    text = shell.config.read_text()
    shell.config.write_text(text.replace(shell.folder.as_uri(), f"{shell.folder.as_uri()}/none"))
    found = finding(shell, "store main", status=1)
    assert found["state"] == "FAIL"
    assert found["hint"].startswith("check its address")


def test_a_cdn_out_of_reach_fails_with_a_hint(shell: Any) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    shell.add(
        f'[cdn.front]\nprovider = "varnish"\nurl = "http://127.0.0.1:{port}"\nsecret = "s-secret"\n'
    )
    found = finding(shell, "cdn front", status=1)
    assert found["what"] == "front does not answer: ConnectError"
    assert "s-secret" not in shell.says("doctor", status=1)


def test_a_revoked_key_is_told_until_it_is_taken_out(shell: Any) -> None:
    shell.rotate()
    shell.run("revoke", "--key", "k1")
    found = finding(shell, "key k1")
    assert (found["state"], found["what"]) == ("note", "was revoked, and is still configured")
    assert "render every edge again" in found["hint"]
    text = shell.config.read_text()
    shell.config.write_text(text.replace('active = "k2"', 'active = "k1"'))
    found = finding(shell, "key k1", status=1)
    assert (found["state"], found["hint"]) == ("FAIL", "make another key active, and reload")
    shell.config.write_text(text.replace(f'k1 = "{"5a" * 32}", ', ""))
    assert "key k1" not in {one["name"] for one in shell.json("doctor")}


def test_purges_that_wait_are_told(shell: Any) -> None:
    shell.add(
        '[cdn.front]\nprovider = "varnish"\nurl = "http://127.0.0.1:9"\nsecret = "s-secret"\n'
    )
    shell.run("purge", "--wait", "0", "--zone", "clinic")
    assert "tags wait, 0 are dead" in finding(shell, "purges to front", status=1)["what"]


def test_a_missing_engine_is_a_note_with_the_remedy() -> None:
    found = engine("no_such_engine", "pages")
    assert (found.state, found.hint) == ("note", 'pip install "ostiary[pdf]"')
    assert engine("PIL", "pictures").state == "ok"


def test_workers_that_do_not_start_fail(shell: Any) -> None:
    assert state_of(shell, pool=RenderPool(1, executable="/bin/false")) == "FAIL"
    assert state_of(shell, pool=RenderPool(1)) == "ok"


def state_of(shell: Any, *, pool: RenderPool) -> str:
    async def looked() -> list[Finding]:
        parts = replace(compose(settings_of(shell.config), serves=False), pool=pool)
        try:
            return await look(parts)
        finally:
            await parts.close()

    [found] = [one for one in asyncio.run(looked()) if one.name == "render workers"]
    return found.state


def test_workers_without_a_filter_are_a_note() -> None:
    assert sandbox(filtered=True).state == "ok"
    assert sandbox(filtered=False).state == "note"


def test_a_cdn_that_takes_a_purge_is_well(shell: Any) -> None:
    async def looked() -> list[Finding]:
        parts = replace(
            compose(settings_of(shell.config), serves=False), providers={"none": Null("none")}
        )
        try:
            return await look(parts)
        finally:
            await parts.close()

    [found] = [one for one in asyncio.run(looked()) if one.name == "cdn none"]
    assert found.state == "ok"


# A Supabase project ---------------------------------------------------------------------------


def with_project(shell: Any, server: ContractServer, **supabase: str) -> dict[str, dict[str, str]]:
    """What the doctor says of a project, by name, without the word before it."""
    values = {
        "url": server.url,
        "service_key": server.service,
        "jwt_secret": server.jwt_secret,
        "webhook_secret": "0123456789abcdef",
        **supabase,
    }
    table = "\n".join(f'{name} = "{value}"' for name, value in values.items())
    text = shell.config.read_text()
    shell.config.write_text(
        text.replace(shell.folder.as_uri(), "supabase:") + f"[supabase]\n{table}\n"
    )
    status = 1 if supabase else 0
    found = {one["name"]: one for one in shell.json("doctor", status=status)}
    return {
        name.removeprefix("supabase "): one
        for name, one in found.items()
        if name.startswith("supabase ")
    }


def test_the_checks_of_a_project_are_repeated(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with ContractServer() as server:
        monkeypatch.setenv("SUPABASE_ANON_KEY", server.anon)
        found = with_project(shell, server)
    states = {name: one["state"] for name, one in found.items()}
    assert states.pop("events") == "note"
    assert set(states.values()) == {"ok"}
    assert {"storage", "service key", "tokens", "buckets", "policies", "bytes"} <= set(states)
    assert found["buckets"]["what"] == "documents (private)"


def test_a_project_that_refuses_is_a_failure(shell: Any) -> None:
    with ContractServer() as server:
        found = with_project(shell, server, service_key=server.user_a)
    assert found["service key"]["state"] == "FAIL"


def test_a_project_without_published_keys_is_a_failure_where_they_are_configured(
    shell: Any,
) -> None:
    with ContractServer() as server:
        found = with_project(shell, server, jwks_url=f"{server.url}/auth/v1/jwks.json")
    assert found["tokens"]["state"] == "FAIL"


def test_no_project_is_not_looked_at(shell: Any) -> None:
    assert not [one for one in shell.json("doctor") if one["name"].startswith("supabase")]


def test_the_last_hook_is_told(shell: Any) -> None:
    shell.sign()
    with sqlite3.connect(shell.folder / "data" / "ostiary.db") as connection:
        for name, by, at in (("a", "hooks/database", 1_000.0), ("b", "cli", 2_000.0)):
            connection.execute(
                "INSERT INTO purge (id, asked, soft, reason, asked_by, at)"
                " VALUES (?, '{}', 1, 'told', ?, ?)",
                (name, by, at),
            )
        assert receipts.last_asked(connection, "hooks/") == 1_000.0
        assert receipts.last_asked(connection, "hooks/storage") == 0.0


@pytest.mark.parametrize(
    ("last", "told"), [(990, "10 s"), (1_001, "0 s"), (400, "10 min"), (-9_800, "3 h")]
)
def test_how_long_ago_the_last_hook_came(last: float, told: str) -> None:
    found = hooks(True, last, 1_000.0)
    assert (found.state, found.what) == ("ok", f"a hook came {told} ago")


def test_without_hooks_the_way_to_them_is_told() -> None:
    assert "--print-sql" in hooks(True, 0.0, 1_000.0).hint
    assert "webhook_secret" in hooks(False, 0.0, 1_000.0).hint
    assert hooks(True, 0.0, 1_000.0).state == "note"


def test_the_days_of_certificates_are_told(tmp_path: Path) -> None:
    server = Authority(tmp_path).issue("docs.example.org", ends=40)
    files = CertificateFiles(str(server.certificate), str(server.key))
    now = time.time()
    [good] = certificates(files, now)
    assert good == Finding("server.certificate", "ok", "39 days left")
    [late] = certificates(files, now + 30 * 86_400)
    assert (late.state, late.what) == ("note", "9 days left")
    [ended] = certificates(files, now + 41 * 86_400)
    assert ended.state == "FAIL"
    assert ended.what.startswith("ended at ")
    assert list(certificates(CertificateFiles(), now)) == []
