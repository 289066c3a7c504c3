"""The command `ostiary`. A subcommand's module is loaded only when that subcommand runs."""

from __future__ import annotations

import errno
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from gateway.errors import ConfigurationError, GatewayError


class _Known(NamedTuple):
    """Where a subcommand is, below gateway.cli under its own name, and what a list says of it."""

    module: str
    summary: str


_COMMANDS = {
    "serve": _Known("serving", "Answer requests until a signal."),
    "connect": _Known("connecting", "Write a configuration for a Supabase project."),
    "demo": _Known("demo", "Make sample documents, print links to them, and serve."),
    "sign": _Known("links", "Issue links to documents."),
    "verify": _Known("links", "Tell whether a link is good now."),
    "explain": _Known("explaining", "Take a link apart, and tell what happened to it."),
    "purge": _Known("purging", "Have shared caches forget documents."),
    "revoke": _Known("revoking", "Take back every link so far."),
    "receipt": _Known("receipts", "Tell what was taken back, and check what was told."),
    "reinstate": _Known("revoking", "Let revoked viewers have links again."),
    "redact": _Known("redacting", "Keep what is hidden of documents."),
    "doctor": _Known("doctor", "Try everything once that serving needs."),
    "simulate": _Known("simulating", "Tell what a log's traffic would be in each cache mode."),
    "edge": _Known("edging", "Let caches verify links themselves."),
    "config": _Known("config", "Look at the configuration."),
}

_EPILOG = (
    "Exit status: 0 done, 1 refused or failed, 2 asked in a way that can not be understood. "
    "Every command reads --config FILE, else OSTIARY_CONFIG, else ostiary.toml here."
)


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = _COMMANDS.get(cmd_name)
        if known is None:
            return None
        command = getattr(import_module(f"gateway.cli.{known.module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.summary) for name, known in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            near = get_close_matches(args[0], _COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command: {args[0]}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; what it could not do is told in a sentence, never by a traceback."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            faults = "\n".join(f"  {fault}" for fault in error.faults)
            raise click.ClickException(f"the configuration has faults:\n{faults}") from None
        except GatewayError as error:
            raise click.ClickException(str(error) or type(error).__name__) from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            place = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{place}{error.strerror or error}") from None


@click.group(cls=_Lazy, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ostiary", prog_name="ostiary")
def main() -> None:
    """Ostiary: signed, cacheable links to private documents, and the way to take them back."""
