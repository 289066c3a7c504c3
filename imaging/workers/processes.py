"""Starts worker processes that inherit nothing, and weighs them."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

# Isolated from the environment and the user's packages (-I) and writing no bytecode (-B). The
# project's root goes before installed packages, so that a checkout runs its own code, and after
# the standard library, so that nothing beside it can stand in for that.
_BOOT = (
    "import sys; "
    "at = next((n for n, p in enumerate(sys.path) if p.endswith('-packages')), len(sys.path)); "
    "sys.path.insert(at, sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)
WORKER = "imaging.workers.worker"
"""The module of a worker for whoever waits."""

BACKGROUND = "imaging.workers.background"
"""The module of a worker that nobody waits for."""

_ROOT = str(Path(__file__).resolve().parents[2])


def launch(executable: str, descriptor: int, module: str = WORKER) -> subprocess.Popen[bytes]:
    """Starts a module's worker with that descriptor as its standard input and no environment.

    Its standard error goes nowhere: decoders print parts of what they read. A group of its own
    keeps a terminal's Ctrl-C from it, which is its parent's to handle. Raises OSError.
    """
    return subprocess.Popen(
        [executable, "-I", "-B", "-c", _BOOT, _ROOT, module],
        stdin=descriptor,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        process_group=0,
    )


def resident(pid: int) -> int:
    """Resident octets of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0
