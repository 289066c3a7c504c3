"""The command `ostiary`. Each subcommand is loaded only when it is asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click

# name → module below gateway.cli; the command has the same name there.
_COMMANDS = {
    "serve": "serving",
    "demo": "demo",
    "sign": "links",
    "verify": "links",
    "explain": "explaining",
    "purge": "purging",
    "revoke": "purging",
    "doctor": "doctor",
    "config": "config",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(f"gateway.cli.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            near = get_close_matches(args[0], _COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command: {args[0]}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ostiary", prog_name="ostiary")
def main() -> None:
    """Ostiary: signed, cacheable links to private documents, and the way to take them back."""
