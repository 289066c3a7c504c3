"""Processes that are measured: started here, read from /proc, and ended by their own pid."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UTIME = 11  # fields of /proc/PID/stat after the name in brackets: utime, stime, cutime, cstime


class NotStarted(Exception):
    """A server that should be measured does not answer; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its first process, which may have others below it, and its port."""

    pid: int
    port: int

    @property
    def base(self) -> str:
        """Where it listens, as the beginning of a URL."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of user and system time that all its processes have used so far."""
        return sum(sum(map(int, _stat(pid)[_UTIME : _UTIME + 4])) for pid in tree(self.pid)) / _TICK

    def memory(self) -> float:
        """Resident memory of all its processes in MB; what they share counts in each."""
        pages = (int(_read(pid, "statm").split()[1]) for pid in tree(self.pid))
        return sum(pages) * _PAGE / 1e6

    def proportional(self) -> float:
        """As `memory`, but what several processes share is shared out among them (PSS)."""
        return sum(_share(pid) for pid in tree(self.pid)) * 1024 / 1e6

    def peak(self) -> float:
        """As `memory`, for the most that each process has held since it began."""
        return sum(_most(pid) for pid in tree(self.pid)) * 1024 / 1e6

    def descriptors(self, documents: Path) -> int:
        """Sockets and documents that all its processes have open.

        What it opens for itself (its database, its log) may come and go meanwhile.
        """
        opened = (link for pid in tree(self.pid) for link in _links(pid))
        return sum(link.startswith(("socket:", str(documents))) for link in opened)


def tree(pid: int) -> list[int]:
    """A process and all that it, and they, started."""
    tasks = os.listdir(f"/proc/{pid}/task")
    below = [int(child) for task in tasks for child in _started(pid, task)]
    return [pid, *(found for child in below for found in tree(child))]


def _started(pid: int, task: str) -> list[str]:
    """What one thread started; a thread that has just ended, nothing."""
    with suppress(FileNotFoundError):
        return _read(pid, f"task/{task}/children").split()
    return []


def free_port() -> int:
    """A port that nobody listens on, until somebody else takes it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until `holds`; how many seconds that took. Raises `TimeoutError`."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.01)
    return time.monotonic() - began


@contextmanager
def serving(
    arguments: Sequence[str],
    port: int,
    log: Path,
    *,
    environ: Mapping[str, str] | None = None,
    probe: str = "",
) -> Iterator[Server]:
    """A server until the end of the block; it counts as up when `probe` answers 200, or at all."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            arguments, stdout=out, stderr=out, env={**os.environ, **(environ or {})}
        )
    try:
        try:
            wait_until(lambda: process.poll() is not None or _up(port, probe))
        except TimeoutError:
            process.poll()
        if process.returncode is not None or not _up(port, probe):
            raise NotStarted(f"{arguments[0]}: {log.read_text()[-400:]}")
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _up(port: int, probe: str) -> bool:
    try:
        if probe:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=1) as answer:
                return bool(answer.status == 200)
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _links(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            yield str(descriptor.readlink())


def _most(pid: int) -> int:
    """The high-water mark of a process's resident memory, in KiB."""
    return _told(pid, "status", "VmHWM:")


def _share(pid: int) -> int:
    """A process's part of the memory that it uses, in KiB."""
    return _told(pid, "smaps_rollup", "Pss:")


def _told(pid: int, name: str, field: str) -> int:
    lines = _read(pid, name).splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def _stat(pid: int) -> list[str]:
    return _read(pid, "stat").rpartition(")")[2].split()


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()
