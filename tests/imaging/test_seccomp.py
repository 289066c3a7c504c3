"""The filter, run here instruction by instruction, and tried out in processes of its own."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from errno import EACCES, ENOSYS
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.workers.seccomp import ALLOW, ERRNO, KILL, install, program
from imaging.workers.syscalls import AUDIT, Call, Machine, calls

ROOT = Path(__file__).resolve().parents[2]
MACHINES = sorted(AUDIT)
NUMBERS: dict[Machine, dict[str, Call]] = {
    machine: {call.name: call for call in calls(machine)} for machine in MACHINES
}


def verdict(machine: Machine, number: int, arguments: Sequence[int] = (), audit: int = 0) -> int:
    """What the kernel would do, by the four instructions that the filter is made of."""
    given = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, audit or AUDIT[machine], 0, *given)
    code = [*struct.iter_unpack("<HBBI", program(machine))]
    at = held = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        match operation:
            case 0x20:
                [held] = struct.unpack_from("<I", data, value)
            case 0x54:
                held &= value
            case 0x15:
                at += yes if held == value else no
            case 0x06:
                return value
            case _:
                raise AssertionError(operation)


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_on_the_list_go_through_or_are_refused_and_no_other(machine: Machine) -> None:
    listed = {call.number: call for call in calls(machine)}
    for number in [*range(600), 0x40000000, 0x40000027, 2**32 - 1]:
        told = verdict(machine, number)
        if number not in listed:
            assert told == KILL
        elif listed[number].errno:
            assert told == ERRNO | listed[number].errno
        elif not listed[number].checks:
            assert told == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("audit", [0x40000003, 0x40000028, 1])
def test_calls_in_the_ways_of_another_architecture_are_on_no_list(
    machine: Machine, audit: int
) -> None:
    assert {verdict(machine, number, audit=audit) for number in range(300)} == {KILL}


THREAD, FORK, CONTAINER = 0x3D0F00, 0x1200011, 0x3D0F00 | 0x40000000


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("mmap", (0, 4096, mmap.PROT_READ | mmap.PROT_WRITE), ALLOW),
        ("mmap", (0, 4096, mmap.PROT_READ | mmap.PROT_EXEC), KILL),
        ("mprotect", (0, 4096, mmap.PROT_READ), ALLOW),
        ("mprotect", (0, 4096, mmap.PROT_EXEC | 1 << 40), KILL),
        ("clone", (THREAD,), ALLOW),
        ("clone", (FORK,), KILL),
        ("clone", (CONTAINER,), KILL),
        ("clone", (THREAD & ~0x10000,), KILL),
        ("prlimit64", (0, 0), ALLOW),
        ("prlimit64", (0, 9), KILL),
        ("prlimit64", (1, 0), KILL),
        ("openat", (), ERRNO | EACCES),
        ("clone3", (), ERRNO | ENOSYS),
    ],
)
def test_some_calls_depend_on_what_they_ask(
    machine: Machine, name: str, arguments: tuple[int, ...], told: int
) -> None:
    assert verdict(machine, NUMBERS[machine][name].number, arguments) == told


@given(st.sampled_from(MACHINES), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**64 - 1)))
def test_every_call_gets_one_of_three_answers(
    machine: Machine, number: int, arguments: list[int]
) -> None:
    assert verdict(machine, number, arguments) & 0xFFFF0000 in (ALLOW, ERRNO, KILL)


@pytest.mark.parametrize("machine", ["riscv64", "i686", ""])
def test_a_machine_whose_numbers_are_not_known_has_no_filter(machine: str) -> None:
    assert not install(machine)


# A hijacked worker ----------------------------------------------------------------------------

HIJACKED = """
import ctypes, mmap, os, resource, signal, socket, subprocess, sys, threading, time
sys.path.insert(0, sys.argv[1])
from imaging.workers import seccomp
from imaging.workers.worker import confine
libc, stranger = ctypes.CDLL(None, use_errno=True), socket.socket()
ours, theirs = socket.socketpair()
assert confine()
try:
    {attempt}
except PermissionError:
    os.write(1, b"refused")
else:
    os.write(1, b"done")
os._exit(0)
"""


def attempted(attempt: str) -> tuple[int, bytes]:
    command = [sys.executable, "-c", HIJACKED.format(attempt=attempt), str(ROOT)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.stderr == b""
    return done.returncode, done.stdout


seccomp = pytest.mark.skipif(
    not Path("/proc/sys/kernel/seccomp").exists() or os.uname().machine not in AUDIT,
    reason="this kernel has no seccomp: NOTHING WAS CONFINED",
)


@seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
        "open('/proc/self/environ')",
        "os.stat('/')",
        "os.listdir('/')",
        "os.readlink('/proc/self/exe')",
        "os.scandir('/proc')",
    ],
)
def test_a_hijacked_worker_sees_no_file(attempt: str) -> None:
    assert attempted(attempt) == (0, b"refused")


@seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.socketpair()",
        "stranger.connect(('127.0.0.1', 9))",
        "stranger.bind(('127.0.0.1', 0))",
        "stranger.listen()",
        "socket.send_fds(ours, [b'x'], [0])",
        "os.pipe()",
        "os.fork()",
        "libc.vfork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['/bin/true'])",
        "os.system('true')",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), signal.SIGUSR1)",
        "os.killpg(0, 0)",
        "libc.ptrace(16, os.getpid(), 0, 0)",
        "libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0)",
        "libc.mount(b'x', b'/', b'tmpfs', 0, None)",
        "libc.unshare(0x10000000)",
        "libc.setns(0, 0)",
        "os.chroot('/')",
        "os.setuid(0)",
        "os.chdir('/')",
        "os.unlink('/nowhere')",
        "os.mkdir('/nowhere/x')",
        "os.dup(0)",
        "os.memfd_create('x')",
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))",
        "resource.getrlimit(resource.RLIMIT_NOFILE)",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
        "libc.prctl(4, 1, 0, 0, 0)",
        "libc.syscall(425, 1, 0)",
        "libc.syscall(0x40000027)",
        "os.sched_setaffinity(0, [0])",
        "os.nice(1)",
        "seccomp.install()",
    ],
)
def test_a_hijacked_worker_that_reaches_out_is_ended_by_the_kernel(attempt: str) -> None:
    assert attempted(attempt) == (-31, b"")  # SIGSYS


@seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        "b''.join(bytearray(1 << 20) for _ in range(20))",
        "threading.Thread(target=time.sleep, args=(0,)).start()",
        "os.urandom(8), time.time(), time.sleep(0.001), os.getpid()",
        "ours.sendall(b'x'), theirs.recv(1)",
        "resource.setrlimit(resource.RLIMIT_CPU, (60, -1))",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
    ],
)
def test_a_worker_can_do_what_its_jobs_take(attempt: str) -> None:
    assert attempted(attempt) == (0, b"done")


# Runs a filter that answers seccomp(2) with EPERM, as a container's own does.
FORBIDDEN = """
import ctypes, os, struct, sys
sys.path.insert(0, sys.argv[1])
from imaging.workers import seccomp
from imaging.workers import worker
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[2])), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("<HBBI", *step) for step in steps)
libc = ctypes.CDLL(None)
program = struct.pack("<H6xQ", 4, ctypes.addressof(kept := ctypes.create_string_buffer(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
print(worker.confine())
os.fork() or os._exit(0)
"""


@seccomp
def test_where_a_container_forbids_filters_the_limits_hold_alone() -> None:
    number = {"x86_64": "317", "aarch64": "277"}[os.uname().machine]
    command = [sys.executable, "-c", FORBIDDEN, str(ROOT), number]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
