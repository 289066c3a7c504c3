"""docs/operations.md, step by step: keys are rotated, and a backup is put back."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
OLD, NEW = "5a" * 32, "a5" * 32


def _with_keys(gateway: Any, keys: str, active: str) -> None:
    """Take another `[signing]` over, by a restart."""
    gateway.stop()
    text = gateway.config.read_text()
    table = f'[signing]\nkeys = {{ {keys} }}\nactive = "{active}"\n'
    gateway.config.write_text(re.sub(r"\[signing\]\n(?:[a-z].*\n)*", table, text))
    gateway.start()


def test_a_key_is_rotated_without_a_link_lost(gateway_in: Callable[..., Any]) -> None:
    gateway = gateway_in().start()
    gateway.put("letter.txt", b"letter")
    before = gateway.link("letter.txt")
    assert "?t=1.k1." in before

    _with_keys(gateway, f'k1 = "{OLD}", k2 = "{NEW}"', "k1")
    assert gateway.client.get(before).status_code == 200

    _with_keys(gateway, f'k1 = "{OLD}", k2 = "{NEW}"', "k2")
    after = gateway.link("letter.txt")
    assert "?t=1.k2." in after
    assert gateway.client.get(before).status_code == 200
    assert gateway.client.get(after).status_code == 200

    _with_keys(gateway, f'k2 = "{NEW}"', "k2")
    assert gateway.client.get(before).status_code == 403
    assert gateway.client.get(after).status_code == 200


def _back_up(gateway: Any) -> Path:
    """The page's own command, run beside the live server."""
    [line] = re.findall(r"^python3 -c .*backup.*$", PAGE, re.M)
    data, backup = gateway.folder / "data", gateway.folder / "backup.db"
    program = shlex.split(line)[2]
    program = program.replace("var/ostiary.db", str(data / "ostiary.db"))
    program = program.replace('"backup.db"', repr(str(backup)))
    subprocess.run([sys.executable, "-c", program], check=True)
    return backup


def test_after_a_restore_no_link_lives_that_was_revoked_since_the_backup(
    gateway_in: Callable[..., Any],
) -> None:
    gateway = gateway_in().start()
    gateway.put("letter.txt", b"letter")
    link = gateway.link("letter.txt")
    backup = _back_up(gateway)
    gateway.run("revoke", "--document", "clinic/documents/letter.txt")
    assert gateway.client.get(link).status_code == 410

    gateway.stop()
    database = gateway.folder / "data" / "ostiary.db"
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    backup.replace(database)
    gateway.run("revoke", "--zone", "clinic", "--restored")

    gateway.start()
    assert gateway.client.get(link).status_code == 410
    assert gateway.client.get(gateway.link("letter.txt")).content == b"letter"
