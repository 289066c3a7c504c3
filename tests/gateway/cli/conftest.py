"""The command line in this process, over a folder of documents of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.cli import main

KEY = "5a" * 32


@dataclass(frozen=True, slots=True)
class Shell:
    """`ostiary` with a configuration over `folder`; `documents` is its one bucket."""

    folder: Path
    config: Path

    @property
    def documents(self) -> Path:
        return self.folder / "documents"

    def put(self, key: str, body: bytes = b"bytes") -> None:
        path = self.documents / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def run(self, command: str, *arguments: str, status: int = 0) -> Result:
        words = [*command.split(), "--config", str(self.config), *arguments]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert KEY not in result.output
        return result

    def says(self, command: str, *arguments: str, status: int = 0) -> str:
        """What it prints, on both streams."""
        return self.run(command, *arguments, status=status).output

    def json(self, command: str, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.run(command, *arguments, "--json", status=status).stdout)

    def sign(self, key: str = "a.txt", *options: str) -> str:
        """A new link to a document, which is made if it is not there."""
        if not (self.documents / key).exists():
            self.put(key)
        return self.run("sign", *options, f"clinic/documents/{key}").stdout.strip()

    def configure(self, **zone: object) -> Shell:
        """Write the configuration anew; `zone` adds to the zone's table."""
        values: Mapping[str, object] = {"store": "main", "buckets": ["documents"], **zone}
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        self.config.write_text(
            f"[server]\ndata = {json.dumps(str(self.folder / 'data'))}\n"
            f'[signing]\nkeys = {{ k1 = "{KEY}" }}\n'
            f"[stores.main]\nurl = {json.dumps(self.folder.as_uri())}\n"
            "[renditions]\nworkers = 1\n"
            "[zones.clinic]\n" + "\n".join(lines) + "\n"
        )
        return self

    def rotate(self) -> Shell:
        """Let a new key, k2, sign from now on."""
        text = self.config.read_text()
        keys = f'keys = {{ k1 = "{KEY}", k2 = "{"6b" * 32}" }}\nactive = "k2"'
        self.config.write_text(text.replace(f'keys = {{ k1 = "{KEY}" }}', keys))
        return self

    def add(self, text: str) -> Shell:
        """Add tables to the configuration."""
        with self.config.open("a") as file:
            file.write(text)
        return self


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    known = structlog.get_config()
    shell = Shell(tmp_path, tmp_path / "other.toml")
    shell.documents.mkdir()
    yield shell.configure(cache="windowed")
    structlog.configure(**known)
