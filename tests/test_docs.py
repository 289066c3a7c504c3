"""What the documentation says is so, and what is so is in the documentation."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner

import gateway.guard.refusals as refusals
import gateway.problems.problem as problems
from cdn.modes import MARGIN
from gateway import catalogue, hints, originals
from gateway.api import foldering, hooks, intake, introducing
from gateway.api import routes as api
from gateway.api.foldering import Foldering
from gateway.api.hooks import Hooks
from gateway.api.introducing import Introducing
from gateway.api.openapi import describe
from gateway.api.routes import Api
from gateway.cli import main
from gateway.configuration import load
from gateway.issuing import issue
from gateway.operators import progress, purging, redacting, revoking
from gateway.operators.admin import Admin
from gateway.operators.purging import Purging
from gateway.operators.redacting import Redacting
from gateway.operators.revoking import Revoking
from gateway.purges import Pacing
from gateway.settings import SCOPES
from gateway.settings.page import page
from gateway.settings.schema import leaves
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.record import Record, Recorder
from imaging.workers import worker
from imaging.workers.pool import Lifetime

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGES = ("signing", "imaging", "cdn", "gateway")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{level} |\Z)", text, re.M | re.S)
    assert found, f"no heading {heading!r}"
    return found[1]


def firsts(text: str) -> list[str]:
    """The words in the first column of the tables."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.M)


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block in a language, with its page."""
    return [
        (name_of(path), re.sub(r"^ {3}", "", body, flags=re.M) if body.startswith("   ") else body)
        for path in PAGES
        for kind, body in FENCED.findall(path.read_text(encoding="utf-8"))
        if kind == language
    ]


# Settings ------------------------------------------------------------------------------------


def test_the_page_of_settings_is_the_one_that_the_models_write() -> None:
    assert text_of("settings.md") == page(), "python -m gateway.settings > docs/settings.md"


def test_every_setting_is_documented() -> None:
    text = text_of("settings.md")
    assert [one.variable for one in leaves() if f"`{one.variable}`" not in text] == []


def filled_in(toml: str) -> str:
    """A TOML example with something in the place of each <…>."""
    hashes = iter(f"{number:064x}" for number in range(1, 100))
    toml = re.sub(r"<hex of the token's SHA-256>", lambda _: next(hashes), toml)
    toml = re.sub(r"<(\d+) hex>", lambda found: "5a" * (int(found[1]) // 2), toml)
    return toml.replace("<secret>", "secret")


@pytest.mark.parametrize(("where", "toml"), blocks("toml"), ids=lambda value: value[:20])
def test_every_example_of_a_configuration_can_be_loaded(
    where: str, toml: str, tmp_path: Path
) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text(filled_in(toml), encoding="utf-8")
    assert load(file, {}).settings.zones, where


# Commands ------------------------------------------------------------------------------------


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(commands(main))


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_its_options_are_documented(path: tuple[str, ...]) -> None:
    told = section(text_of("cli.md"), f"## {' '.join(path)}")
    assert set(firsts(told)) == options(COMMANDS[path])


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output


def test_no_command_is_documented_that_does_not_exist() -> None:
    told = re.findall(r"^## (.+)$", text_of("cli.md"), re.M)
    assert told == [" ".join(path) for path in COMMANDS]


def named_commands(text: str) -> Iterator[list[str]]:
    """The words after each `ostiary` that is called in a text."""
    for call in re.findall(r"(?:^|[\s(`/])ostiary ((?:[a-z]|-)[^`\n)]*)", text):
        try:
            yield shlex.split(call, comments=True)
        except ValueError:
            yield call.split()


def assert_exists(words: list[str], where: str) -> None:
    if not words[0].startswith("-"):
        path = next((path for path in COMMANDS if tuple(words[: len(path)]) == path), None)
        groups = {path[0] for path in COMMANDS if len(path) > 1}
        assert path or words in [[group] for group in groups], (where, words)
        known = options(COMMANDS[path]) | {"--help"} if path else set()
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, where


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_command_that_a_page_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    in_line = re.findall(r"`(?:\.venv/bin/)?(ostiary [a-z][^`]*)`", FENCED.sub("", text))
    for words in named_commands("\n".join(in_line)):
        assert_exists(words, name_of(path))


KNOWN_PROGRAMS = {
    *("apt-get", "cat", "cd", "cp", "curl", "docker", "git", "make", "mkdir", "openssl", "ostiary"),
    *("pip", "pre-commit", "printf", "python", "python3", "rm", "sha256sum", "umask", "varnishd"),
    "chown",
}


def scripts() -> list[tuple[str, str]]:
    """What a reader is to type; after a prompt, up to the next one."""
    typed = [
        (where, "\n".join(re.findall(r"^\$ (.*(?:\n(?!\$ ).*)*)", shown, re.M)))
        for where, shown in blocks("console")
    ]
    return [*blocks("sh"), *typed]


@pytest.mark.parametrize(("where", "script"), scripts(), ids=lambda value: value[:24])
def test_every_shell_example_could_be_run(where: str, script: str) -> None:
    assert subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode == 0, where
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in re.sub(r"\\\n", " ", script).splitlines():
        for program in re.findall(r"(?:^|[|&] *|\$\()(?:\.venv/bin/)?([a-z][\w-]*)(?= |$)", line):
            assert program in KNOWN_PROGRAMS, (where, line)
        for target in re.findall(r"^make ([a-z]+)", line):
            assert target in targets, (where, line)
    for words in named_commands(script):
        assert_exists(words, where)


# The API -------------------------------------------------------------------------------------


def routes() -> set[tuple[str, str]]:
    """Every method and path that the gateway answers beside links."""
    nothing = cast(Any, None)
    parts = Admin(**dict.fromkeys((field.name for field in dataclasses.fields(Admin)), nothing))
    calls = Api(**dict.fromkeys((field.name for field in dataclasses.fields(Api)), nothing))
    every = [*calls.routes(), *parts.operations(), *parts.health()]
    every += Hooks("secret", nothing, nothing).routes()
    every += Redacting(nothing, nothing).routes()
    every += Introducing(nothing, nothing, nothing, nothing).routes()
    every += Foldering(nothing, nothing, nothing, nothing, nothing).routes()
    every += Revoking(nothing, nothing, nothing, nothing, nothing, nothing).routes()
    every += Purging(nothing, nothing, nothing, nothing, nothing).routes()
    found = {
        (method, route.path.replace(":path", ""))
        for route in every
        for method in route.methods or ()
    }
    return {(method, path) for method, path in found if method not in ("HEAD", "OPTIONS")} | {
        ("GET", "/")
    }


def test_every_route_is_documented() -> None:
    told = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`…]*)`", text_of("api.md")))
    assert told - {("GET", "/d/")} == routes()


def test_the_description_tells_of_real_routes_only() -> None:
    paths = cast(Mapping[str, Mapping[str, object]], describe(BODIES)["paths"])
    told = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert told <= routes()
    assert set(BODIES) <= set(paths)


BODIES = {
    **api.BODIES,
    **introducing.BODIES,
    **foldering.BODIES,
    **purging.BODIES,
    **redacting.BODIES,
    **revoking.BODIES,
}
HEADINGS = {
    "/v1/links": "## Issue links",
    "/v1/viewers": "## Introduce a viewer",
    "/v1/viewers/claim": "## Claim a viewer",
    "/v1/folders": "## Issue links to folders",
    "/v1/folders/claim": "## Claim a folder",
    "/admin/purge": "## Purge",
    "/admin/purges/requeue": "## Dead purges",
    "/admin/revoke": "## Revoke",
    "/admin/reinstate": "## Reinstate",
    "/admin/redactions/{name}": "## Redactions",
}


@pytest.mark.parametrize("path", BODIES)
def test_every_member_of_a_body_is_documented(path: str) -> None:
    told = section(text_of("api.md"), HEADINGS[path])
    named = [name for row in re.findall(r"^\| (`.+?) \|", told, re.M) for name in row.split(", ")]
    assert {name.strip("`") for name in named} == set(BODIES[path].model_fields)


def test_every_scope_of_a_token_is_documented() -> None:
    assert set(firsts(section(text_of("security.md"), "## Who may do what"))) == SCOPES


def test_every_problem_has_its_section() -> None:
    told = set(re.findall(r"^### (\d{3}) `([^`]+)`$", text_of("problems.md"), re.M))
    every = [*vars(problems).values(), *vars(refusals).values()]
    real = {
        (str(one.status), one.code)
        for one in every
        if isinstance(one, problems.Problem | refusals.Reply)
    }
    assert real <= told


# What it tells of itself ---------------------------------------------------------------------


def test_the_documented_metrics_are_the_real_ones() -> None:
    _, body = Metrics().exposition()
    real = re.findall(r"^# TYPE (\S+) ", body.decode(), re.M)
    assert sorted(firsts(section(text_of("operations.md"), "## Metrics"))) == sorted(real)


def test_no_page_names_a_metric_that_does_not_exist() -> None:
    _, body = Metrics().exposition()
    for path in PAGES:
        for name in re.findall(r"(?<!\$)\bostiary_[a-z_]+[a-z]", path.read_text(encoding="utf-8")):
            assert f"# TYPE {name} ".encode() in body, (name_of(path), name)


def test_the_documented_fields_of_a_log_line_are_the_real_ones() -> None:
    line = json.loads(Recorder("eu").line(Record("id", "GET"), 0.0, 0.0))
    assert firsts(section(text_of("operations.md"), "## Log fields")) == list(line)


def test_every_module_has_its_line() -> None:
    real = {name_of(path) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    text = text_of("architecture.md")
    assert set(firsts(section(text, "## Modules"))) == real
    assert set(re.findall(r"`((?:signing|imaging|cdn|gateway)/[\w/]+\.py)`", text)) <= real


def test_the_runbook_has_a_check_and_a_fix_for_each_symptom() -> None:
    rows = section(text_of("operations.md"), "## Runbook").splitlines()
    table = [row.strip("|").split(" | ") for row in rows if row.startswith("| ")][1:]
    assert len(table) >= 12
    assert all(len(row) == 3 and all(map(str.strip, row)) for row in table)


NUMBERS = [
    ("security.md", f"{worker.MEMORY >> 30} GiB of address space"),
    ("security.md", f"{worker.CPU_SECONDS} s of processor time"),
    ("security.md", f"after {Lifetime().jobs} jobs and beyond {Lifetime().octets >> 20} MiB"),
    ("security.md", f"again {Pacing().second_pass:.0f} seconds later"),
    ("security.md", f"`exp` less {MARGIN} seconds"),
    ("architecture.md", f"after {Lifetime().jobs} jobs, beyond {Lifetime().octets >> 20} MiB"),
    ("architecture.md", f"second pass, {Pacing().second_pass:.0f} seconds later"),
    (
        "architecture.md",
        f"{catalogue.LOCAL_TTL:.0f} s for a folder, {catalogue.REMOTE_TTL:.0f} s for",
    ),
    ("architecture.md", f"{catalogue.ABSENT_TTL:.0f} s for absence"),
    ("architecture.md", f"originals up to {originals.SMALL >> 20} MiB"),
    ("architecture.md", f"originals up to {originals.KEPT >> 20} MiB"),
    ("api.md", f"Up to {issue.MOST:,} documents in a call"),
    ("api.md", f"A body may have {intake.LARGEST_BODY >> 20} MiB"),
    ("api.md", f"A hook's body may have {hooks.LARGEST_BODY >> 20} MiB"),
    ("api.md", f"again {hints.DELAYS[-1]:.0f} seconds later"),
    ("api.md", f"({progress.LONGEST_WAIT} at most)"),
    ("api.md", f"second pass, {Pacing().second_pass:.0f} seconds later"),
    ("api.md", f"kept for {Pacing().keep_purges / 86_400:.0f} days"),
]


@pytest.mark.parametrize(("name", "told"), NUMBERS)
def test_the_numbers_of_a_page_are_those_of_the_code(name: str, told: str) -> None:
    assert told in re.sub(r"\s+", " ", text_of(name))


# Pages ---------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """What a link into a page may name: its headings as forges spell them, and its own marks."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,6} (.+)$", FENCED.sub("", text), re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (.+)$", text, re.M)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", release)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= kinds
    number = PROJECT["project"]["version"]
    assert number in text
