"""Links of folders on the command line, for `ostiary sign --folder`."""

from __future__ import annotations

import asyncio
from time import time

import click

from gateway.api.answers import folder_answer
from gateway.app import compose
from gateway.auth import Operator
from gateway.cli.invocation import address_of, echo_json
from gateway.issuing.folderlinks import FolderIssuer, FoldersCall, Given, WantedFolder, Withheld
from gateway.issuing.issue import LinksCall
from gateway.problems import problem_for
from gateway.settings import SCOPES, Settings


def print_links(call: LinksCall, rendition: str, settings: Settings, *, as_json: bool) -> bool:
    """Issue links of what the call names, as folders, one a line; whether each got one.

    What stands for `{key}` is to be replaced by the document's name below the folder, escaped.
    Raises `BadParameter` for wishes that no folder's link can have: it is live, readable and good
    for many documents.
    """
    for name in ("one_time", "pinned", "extension"):
        if getattr(call, name):
            hint = f"--{name.replace('_', '-')}"
            raise click.BadParameter("a link of a folder can not be that", param_hint=hint)
    answers = asyncio.run(_issue(settings, _folders_of(call)))
    for answer in answers:
        if as_json:
            echo_json(folder_answer(answer))
        elif isinstance(answer, Given):
            shown = rendition or answer.folder.grant.first
            click.echo(answer.base + answer.folder.template.replace("{rendition}", shown))
        else:
            click.echo(_sentence(answer), err=True)
    return all(isinstance(answer, Given) for answer in answers)


def _folders_of(call: LinksCall) -> FoldersCall:
    return FoldersCall(
        folders=[
            WantedFolder(zone=wanted.zone, bucket=wanted.bucket, folder=wanted.key)
            for wanted in call.documents
        ],
        grant=call.grant,
        disposition=call.disposition,
        expires_in=call.expires_in,
        audience=call.audience,
    )


def _sentence(withheld: Withheld) -> str:
    wanted, problem = withheld.wanted, problem_for(withheld.error)
    said = [f"{wanted.zone}/{wanted.bucket}/{wanted.folder}/: {problem.title}."]
    return " ".join(filter(None, [*said, problem.detail, problem.hint]))


async def _issue(settings: Settings, call: FoldersCall) -> list[Given | Withheld]:
    parts = compose(settings, serves=False)
    try:
        issuer, operator = FolderIssuer(parts.rules, parts.ledger), Operator("cli", SCOPES)
        return await issuer.issue(call, operator, address_of(settings), int(time()))
    finally:
        await parts.close()
