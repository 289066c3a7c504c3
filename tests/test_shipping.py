"""What is shipped beside the code: requirements, image, compose, hooks."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import click
import pytest
import uvicorn
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from gateway.cli import main
from gateway.configuration import load
from gateway.settings.server import Server

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# After so many idle seconds the gateway closes a connection.
IDLE = min(Server().header_timeout, uvicorn.Config("").timeout_keep_alive)
FLOORS = {"starlette": "1.3.1", "pillow": "13.0.0", "h11": "0.16.0", "pyjwt": "2.15.0"}


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    lists = [project["dependencies"], *extras, PROJECT["dependency-groups"]["dev"]]
    return [Requirement(text) for texts in lists for text in texts]


def floor_of(requirement: Requirement) -> Version:
    floors = [one.version for one in requirement.specifier if one.operator == ">="]
    assert floors, f"{requirement} has no lower bound"
    return Version(floors[0])


def test_every_requirement_has_a_floor_that_is_met_here() -> None:
    for requirement in requirements():
        if requirement.name == PROJECT["project"]["name"]:
            continue
        assert floor_of(requirement) >= Version(FLOORS.get(requirement.name, "0"))
        assert requirement.specifier.contains(version(requirement.name)), requirement


def test_the_lock_holds_nothing_below_the_floors() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", lock, re.M))
    assert {"starlette", "pillow"} <= set(locked)
    for name, floor in FLOORS.items():
        assert Version(locked.get(name, floor)) >= Version(floor), name


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a clone: nothing says which files are tracked")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


# In two pieces each, so that this file may be looked at as well.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"/ho" r"me/[a-z]",
            r"/Us" r"ers/[A-Za-z]",
            r"(?<![\w.])/ro" r"ot/",
            r"(?<![\w.])/wo" r"rk/",
            r"pythonho" r"sted\.org",
            r"py" r"pi\.org",
            r"registry\.np" r"mjs",
            r"--(?:extra-)?ind" r"ex-url[ =]\S*//",
            r"BEGIN [A-Z ]*PRIV" r"ATE KEY",
        )
    )
)


def test_no_tracked_file_names_a_home_folder_or_a_registry() -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), match[0])
        for path in tracked()
        if b"\0" not in path.read_bytes()[:8_192]
        for match in FORBIDDEN.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def compose() -> dict[str, Any]:
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


def test_the_configuration_of_compose_can_be_loaded(tmp_path: Path) -> None:
    secrets = {
        "signing_key": "5a" * 32 + "\n",
        "purge_secret": "a5" * 32 + "\n",
        "admin_tokens": f'["sha256:{"b" * 64}"]',
    }
    for name, value in secrets.items():
        (tmp_path / name).write_text(value)
    environ = {
        name: value.replace("/run/secrets", str(tmp_path))
        for name, value in compose()["services"]["gateway"]["environment"].items()
    }
    settings = load(None, environ).settings
    assert settings.zones["clinic"].cache == "windowed"
    assert settings.cdn["varnish"].secret.get_secret_value() == "a5" * 32
    assert set(compose()["secrets"]) == set(secrets)


def test_varnish_in_compose_finds_its_files_and_the_gateway() -> None:
    services = compose()["services"]
    command = " ".join(services["varnish"]["command"])
    [mount] = services["varnish"]["volumes"]
    source, inside, _ = mount.split(":")
    assert f"-f {inside}/ostiary.vcl" in command
    site = (ROOT / "deploy" / source / "site.vcl").read_text(encoding="utf-8")
    assert '.host = "gateway";' in site
    assert '.port = "8080";' in site
    assert services["gateway"]["environment"]["OSTIARY_CDN__VARNISH__URL"].endswith(
        re.search(r"-a (:\d+)", command)[1]  # type: ignore[index]
    )


@pytest.mark.parametrize("page", ["deploy/compose.yaml", "deploy/edges/README.md", "docs/cdns.md"])
def test_varnish_lets_idle_connections_go_before_the_gateway_does(page: str) -> None:
    """Else it may send a POST on one that is just being closed, and answers 503."""
    text = re.sub(r"\s+-p ", " -p ", (ROOT / page).read_text(encoding="utf-8"))
    commands = re.findall(r"(?m)varnishd -F .*$", text)
    assert commands
    for command in commands:
        [idle] = re.findall(r" -p backend_idle_timeout=([0-9]+)\b", command)
        assert int(idle) < IDLE, command


def test_nginx_lets_idle_connections_go_before_the_gateway_does() -> None:
    text = (ROOT / "deploy" / "edges" / "nginx.conf").read_text(encoding="utf-8")
    [upstream] = re.findall(r"(?s)\nupstream \S+ \{(.*?)\n\}", text)
    [idle] = re.findall(r"\bkeepalive_timeout ([0-9]+)s;", upstream)
    assert int(idle) < IDLE


def test_the_gateway_in_compose_reaches_varnish_where_browsers_do() -> None:
    """A canary is asked for at the public URL; until it comes back nothing is shared."""
    services = compose()["services"]
    public = urlsplit(services["gateway"]["environment"]["OSTIARY_ZONES__CLINIC__PUBLIC_URL"])
    assert public.hostname in services["varnish"]["networks"]["default"]["aliases"]
    assert public.hostname.endswith(".localhost"), "browsers have to take it for this machine"
    assert services["varnish"]["ports"] == [f"{public.port}:6081"] == ["6081:6081"]


def test_no_secret_of_compose_can_be_committed() -> None:
    for secret in compose()["secrets"].values():
        file = (ROOT / "deploy" / secret["file"]).resolve()
        asked = subprocess.run(["git", "check-ignore", "-q", file], cwd=ROOT, check=False)
        if asked.returncode > 1:
            pytest.skip("not a clone")
        assert asked.returncode == 0, file


def test_the_image_runs_as_nobody_special_and_tells_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", text).splitlines()
    words = {line.split()[0]: line for line in lines if line and not line.startswith("#")}
    assert words["USER"] == "USER ostiary"
    assert "/livez" in words["HEALTHCHECK"]
    assert json.loads(words["ENTRYPOINT"].partition(" ")[2]) == ["ostiary"]
    command = json.loads(words["CMD"].partition(" ")[2])
    assert command[0] in main.list_commands(click.Context(main))
    environ = dict(re.findall(r"(OSTIARY_\w+)=(\S+)", words["ENV"]))
    environ["OSTIARY_SIGNING__KEYS__K1"] = "5a" * 32
    assert load(None, environ).settings.server.host == "0.0.0.0"


def test_the_image_is_given_everything_that_is_installed() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (.+) \S+$", text, re.M)
    names = {name for line in copied for name in line.split()}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert names == {*wheel, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"}
    assert all(f"!{name}\n" in ignored for name in names)


def test_the_hooks_need_nothing_but_what_is_installed() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] in ("system", "pygrep"), hook["id"]
