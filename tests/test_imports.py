"""The shape of the code: which way imports point, what modules offer, what they may look at."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("signing", "imaging", "cdn", "gateway")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
# Scheme and host for links of zones without a public_url; no path is taken from it. And an
# operator's number of a version, which is digits or refused.
MAY_SEE_THE_URL = {
    ("gateway/api/intake.py", "flag_of"),
    ("gateway/api/intake.py", "only"),
    ("gateway/api/intake.py", "origin_of"),
    ("gateway/operators/purging.py", "listed"),
    ("gateway/operators/redacting.py", "one"),
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def exported(path: Path) -> list[str] | None:
    """The names of `__all__`, None without one."""
    for node in TREES[path].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(tree: ast.Module) -> Iterator[str]:
    """The functions and classes that a module makes itself and does not hide."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_"):
            yield node.name


def rank(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions, each by the alphabet, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


OFFERING = [path for path in SOURCES if exported(path) is not None]


def test_every_contract_about_imports_is_kept() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout, done.stdout


@pytest.mark.parametrize("path", OFFERING, ids=name_of)
def test_what_a_module_offers_is_there_in_order_and_whole(path: Path) -> None:
    names = exported(path) or []
    assert names == sorted(set(names), key=rank)
    assert set(defined(TREES[path])) <= set(names)
    module = importlib.import_module(
        name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    )
    assert [name for name in names if not hasattr(module, name)] == []


def looks(path: Path) -> Iterator[tuple[str, str]]:
    """Where a decoded path or a parsed URL of a request is looked at, by function."""
    for function in ast.walk(TREES[path]):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if _is_a_look(node):
                    yield name_of(path), function.name


def _is_a_look(node: ast.AST) -> bool:
    text = ast.unparse(node) if isinstance(node, ast.Subscript | ast.Call | ast.Attribute) else ""
    return text in {
        "scope['path']",
        "scope.get('path')",
        "request.scope['path']",
        "request.url",
        "request.query_params",
        "request.base_url",
    }


def test_only_raw_octets_of_a_request_are_judged() -> None:
    found = {look for path in SOURCES for look in looks(path)}
    assert found == MAY_SEE_THE_URL


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES] == []


def test_every_module_says_what_it_is_and_is_short_enough() -> None:
    for path, tree in TREES.items():
        assert ast.get_docstring(tree), name_of(path)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 350, f"{name_of(path)} has {lines} lines"
