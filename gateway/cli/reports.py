"""A report: what a command finds and does, told to people as it goes and to scripts in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from types import TracebackType
from typing import Self

import click

from gateway.cli.invocation import echo_json
from gateway.cli.surveying import told
from gateway.survey.checks import Check, failed


class Report:
    """Checks, and facts by their names; as JSON all of it is one object, also after a failure."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._checks: list[Check] = []
        self._facts: dict[str, object] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._as_json:
            echo_json({"checks": [asdict(check) for check in self._checks], **self._facts})

    def checks(self, checks: Iterable[Check]) -> None:
        """Tell checks; raises `click.ClickException` when one of them failed."""
        new = list(checks)
        self._checks += new
        if not self._as_json:
            for check in new:
                click.echo(told(check))
        if failed(new):
            raise click.ClickException("a check failed; nothing was written")

    def says(self, line: str, **facts: object) -> None:
        """A line for people, and what it means to scripts."""
        self._facts |= facts
        if not self._as_json:
            click.echo(line)
