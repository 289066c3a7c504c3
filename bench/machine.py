"""The machine a run was taken on: what its figures must not be read without."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version

_DISTRIBUTIONS = ("uvicorn", "uvloop", "httptools", "starlette", "itsdangerous", "obstore", "boto3")


def described() -> str:
    """Cores, load, and the versions of what is compared."""
    parts = [
        f"{len(os.sched_getaffinity(0))} cores",
        f"load {load()}",
        f"Linux {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in _DISTRIBUTIONS),
        f"nginx {_told('nginx', '-v')}",
        f"Varnish {_told('varnishd', '-V')}",
    ]
    return ", ".join(parts)


def load() -> str:
    """The load of the last minute; above the number of cores something else ran as well."""
    return f"{os.getloadavg()[0]:.1f}"


def _told(program: str, option: str) -> str:
    """The version that a program tells of itself."""
    try:
        told = subprocess.run([program, option], capture_output=True, text=True, check=False)
    except OSError:
        return "absent"
    found = re.search(r"\d+\.\d+\.\d+", told.stdout + told.stderr)
    return found[0] if found else "unknown"
