"""The demo's folder: made once, kept, and only for its owner's eyes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gateway.cli.sandbox import Sandbox, free_port, prepare
from gateway.configuration import load
from gateway.settings import Settings


def settings_of(sandbox: Sandbox) -> Settings:
    return load(sandbox.config, {}).settings


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return prepare(tmp_path_factory.mktemp('a "demo" \\ of mine ä'), 8080)


def test_its_configuration_holds_whatever_the_folder_is_called(sandbox: Sandbox) -> None:
    settings = settings_of(sandbox)
    folder = sandbox.config.parent
    assert Path(settings.server.data) == folder / "data"
    assert Path(settings.addresses()["main"].root) == folder / "documents"
    assert all(
        (folder / "documents" / sample.bucket / sample.key).exists() for sample in sandbox.samples
    )


def test_a_second_start_keeps_keys_and_edits_and_takes_the_new_port(sandbox: Sandbox) -> None:
    before, token = settings_of(sandbox), (sandbox.config.parent / "token").read_text()
    with sandbox.config.open("a") as file:
        file.write("# mine\n")
    again = prepare(sandbox.config.parent, 8099)
    after = settings_of(again)
    assert after.server.port == 8099
    assert after.signing == before.signing
    assert after.admin == before.admin
    assert (sandbox.config.parent / "token").read_text() == token
    assert sandbox.config.read_text().endswith("# mine\n")


def test_an_admin_port_of_its_user_is_left_alone(sandbox: Sandbox) -> None:
    text = sandbox.config.read_text().replace("[admin]\n", "[admin]\nport = 9191\n")
    sandbox.config.write_text(text)
    settings = settings_of(prepare(sandbox.config.parent, 8100))
    assert (settings.server.port, settings.admin.port) == (8100, 9191)


def test_secrets_are_for_the_owner_alone_and_nothing_is_left_over(sandbox: Sandbox) -> None:
    names = sorted(path.name for path in sandbox.config.parent.iterdir())
    assert names == ["documents", "ostiary.toml", "token"]
    for name in ("ostiary.toml", "token"):
        assert (sandbox.config.parent / name).stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_raises(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        prepare(tmp_path / "demo", 8080)


def test_a_taken_port_gives_another() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        listener.listen()
        assert free_port(port) not in (port, 0)
    assert free_port(port) == port
