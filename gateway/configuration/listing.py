"""The listing: effective settings as text in the manner of TOML, without a secret in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic import SecretBytes, SecretStr

from gateway.configuration import Configuration
from gateway.configuration.tree import Path, dotted
from gateway.settings.schema import Node, schema
from gateway.settings.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """A value at `path`, which stands in `table`; `text` is empty when it is not set."""

    table: Path
    path: Path
    text: str

    @property
    def line(self) -> str:
        key = dotted(self.path[len(self.table) :])
        return f"{key} = {self.text}" if self.text else f"# {key} is not set"


def listing(configuration: Configuration, *, origins: bool = False) -> str:
    """Every setting with its value; with `origins` also where each came from."""
    lines = list[str]()
    for table, rows in groupby(_rows((), (), schema(), configuration.settings), _table):
        lines += ["", _heading(table)] if lines else [_heading(table)]
        for row in rows:
            origin = f"  # {configuration.origin(row.path)}" if origins else ""
            lines.append(row.line + origin)
    return "\n".join(lines) + "\n"


def _table(row: Row) -> Path:
    return row.table


def _heading(table: Path) -> str:
    if table[:2] == ("admin", "token"):
        return "[[admin.token]]"
    return f"[{dotted(table)}]"


def _rows(table: Path, path: Path, node: Node, value: object) -> Iterator[Row]:
    if isinstance(value, Table):
        for name, below in node.fields.items():
            yield from _rows(path, (*path, name), below, getattr(value, name))
    elif node.each and isinstance(value, Mapping) and (value or node.of_tables):
        for name, one in value.items():
            yield from _rows(table, (*path, str(name)), node.each, one)
    elif node.each and isinstance(value, Sequence) and node.of_tables:
        for index, one in enumerate(value):
            yield from _rows(table, (*path, str(index)), node.each, one)
    else:
        yield Row(table, path, _text(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr | SecretBytes):
        return f'"{_masked(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _masked(secret: SecretStr | SecretBytes) -> str:
    plain = secret.get_secret_value()
    octets = len(plain.encode() if isinstance(plain, str) else plain)
    return f"…({octets} octets)" if octets else ""
