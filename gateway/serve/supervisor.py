"""Worker processes that share the sockets: started, replaced when they die, drained at the end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from time import monotonic
from types import FrameType

import structlog
from prometheus_client.multiprocess import mark_process_dead

from gateway.serve.plan import Listeners, Plan
from gateway.serve.worker import FORCE, TWICE, work
from gateway.telemetry import LineWriter, configure

EARLY = 10.0
ENOUGH = 5
_LONGEST_PAUSE = 5.0
_SPARE = 10.0

_log = structlog.stdlib.get_logger(__name__)
_spawn = multiprocessing.get_context("spawn")


def _work(plan: Plan, listeners: Listeners, ready: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    writer = LineWriter()
    configure(writer)
    status = work(plan, listeners, writer, partial(ready.send_bytes, b"ready"))
    writer.close()
    raise SystemExit(status)


@dataclass(slots=True, eq=False)
class Worker:
    """A process, since when it serves (0: not yet), and what it replaces once it does."""

    process: SpawnProcess
    ready: Connection
    replaces: Worker | None = None
    served: float = 0.0
    leaving: bool = False

    @classmethod
    def start(cls, plan: Plan, listeners: Listeners, replaces: Worker | None = None) -> Worker:
        """Start a process; it says so on `ready` when it serves."""
        here, there = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=_work, args=(plan, listeners, there))
        process.start()
        there.close()
        return cls(process, here, replaces)

    def leave(self) -> None:
        """Ask it to drain; asked again, force it."""
        if not self.leaving:
            self.process.terminate()
        elif self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, FORCE)
        self.leaving = True


@dataclass(slots=True)
class Supervisor:
    """Keeps `plan.workers` processes serving until a signal.

    SIGTERM or SIGINT: drain, exit status 0; again: force. SIGHUP: replace the workers one after
    the other, each by one that serves already and has read the configuration anew. Five workers
    in a row that served for less than ten seconds, or never: exit status 1.
    """

    plan: Plan
    listeners: Listeners
    workers: list[Worker] = field(default_factory=list)
    _to_roll: list[Worker] = field(default_factory=list)
    _signals: list[int] = field(default_factory=list)
    _early: int = 0
    _start_at: float = 0.0
    _asked_at: float = 0.0
    _kill_at: float | None = None
    _status: int = 0

    def run(self) -> int:
        """Supervise; returns the exit status."""
        with self._hearing() as heard:
            while self.workers or not self._stopping():
                self._fill()
                self._wait(heard)
                self._obey()
                self._bury()
        self.listeners.close()
        return self._status

    @contextmanager
    def _hearing(self) -> Generator[socket.socket]:
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        former = signal.set_wakeup_fd(there.fileno())
        handlers = {
            number: signal.signal(number, self._hear)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            yield here
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(former)
            here.close()
            there.close()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _stopping(self) -> bool:
        return self._kill_at is not None

    def _fill(self) -> None:
        """Start what is missing, though not before a pause after early deaths."""
        if self._stopping() or monotonic() < self._start_at:
            return
        serving = [one for one in self.workers if not one.leaving and one.replaces is None]
        for _ in range(self.plan.workers - len(serving)):
            self.workers.append(Worker.start(self.plan, self.listeners))

    def _wait(self, heard: socket.socket) -> None:
        """Until a signal, a death, a worker's word that it serves, or the next thing due."""
        due = [when for when in (self._start_at, self._kill_at) if when and when > monotonic()]
        timeout = min(due) - monotonic() if due else None
        pipes = [one.ready for one in self.workers if not one.ready.closed]
        happened = wait([heard, *pipes, *(one.process.sentinel for one in self.workers)], timeout)
        if heard in happened:
            heard.recv(4096)
        for worker in self.workers:
            if worker.ready in happened:
                self._greet(worker)
        if self._kill_at is not None and monotonic() >= self._kill_at:
            for worker in self.workers:
                worker.process.kill()

    def _greet(self, worker: Worker) -> None:
        try:
            worker.ready.recv_bytes()
        except EOFError:
            worker.ready.close()
            return
        worker.ready.close()
        worker.served = monotonic()
        _log.info("worker_serves", worker=worker.process.pid)
        if worker.replaces is not None:
            worker.replaces.leave()
            worker.replaces = None
        self._roll()

    def _obey(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if number != signal.SIGHUP:
                self._stop()
            elif not self._stopping():
                self._to_roll = list(self.workers)
                self._roll()

    def _roll(self) -> None:
        """Start the replacement of the next worker, unless one is on its way."""
        if self._stopping() or any(one.replaces is not None for one in self.workers):
            return
        while self._to_roll:
            old = self._to_roll.pop(0)
            if old in self.workers and not old.leaving:
                self.workers.append(Worker.start(self.plan, self.listeners, old))
                return

    def _stop(self, status: int = 0) -> None:
        """Drain, and kill what has not ended when its time and some to spare are over."""
        now = monotonic()
        if self._stopping() and now - self._asked_at < TWICE:
            return
        self._asked_at = self._asked_at or now
        _log.info("stopping", forced=self._stopping())
        self._status = status or self._status
        # While any process holds the sockets open the kernel takes connections nobody answers.
        self.listeners.close()
        patience = 0.0 if self._stopping() else self.plan.drain + self.plan.grace
        self._kill_at = now + patience + _SPARE
        for worker in self.workers:
            worker.leave()

    def _bury(self) -> None:
        for worker in [one for one in self.workers if not one.process.is_alive()]:
            self.workers.remove(worker)
            self._settle(worker)
            worker.process.join()
            worker.ready.close()
            if not worker.leaving:
                self._mourn(worker)

    def _settle(self, worker: Worker) -> None:
        """Its gauges end with it; its counts stay, for they did happen."""
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]

    def _mourn(self, worker: Worker) -> None:
        early = not worker.served or monotonic() - worker.served < EARLY
        _log.error("worker_died", worker=worker.process.pid, status=worker.process.exitcode)
        if worker.replaces is not None:
            _log.error("replacement_failed", kept=worker.replaces.process.pid)
            self._to_roll.clear()
            return
        for other in self.workers:
            if other.replaces is worker:
                other.replaces = None
        self._early = self._early + 1 if early else 0
        if self._early >= ENOUGH and not self._stopping():
            _log.error("giving_up", deaths=self._early)
            self._stop(status=1)
        elif self._early:
            self._start_at = monotonic() + min(_LONGEST_PAUSE, 0.05 * 2**self._early)
