"""The list of system calls holds the kernel's own numbers and nothing that reaches outside."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library

import pytest

from imaging.workers.syscalls import AUDIT, Machine, calls

MACHINES = sorted(AUDIT)
REACHING = frozenset({
    "socket", "connect", "bind", "accept", "sendmsg", "recvmsg", "execve", "execveat", "fork",
    "vfork", "kill", "tkill", "tgkill", "ptrace", "process_vm_readv", "pidfd_getfd", "mount",
    "unshare", "setns", "prctl", "seccomp", "bpf", "io_uring_setup", "memfd_create", "unlink",
    "unlinkat", "renameat2", "mkdirat", "chdir", "setuid", "setresuid", "perf_event_open",
    "userfaultfd", "keyctl", "shmget", "pipe2", "dup3", "fcntl", "setrlimit", "pkey_mprotect",
})  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_what_reaches_outside_is_not_let_through(machine: Machine) -> None:
    let_through = {call.name for call in calls(machine) if not call.errno}
    assert not let_through & REACHING
    assert not {name for name in let_through if name.startswith("open") or "stat" in name}


@pytest.mark.parametrize("machine", MACHINES)
def test_no_number_stands_for_two_calls(machine: Machine) -> None:
    numbers = [call.number for call in calls(machine)]
    assert len(numbers) == len(set(numbers)) > 40


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_that_libseccomp_knows(machine: Machine) -> None:
    name = find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed: NO NUMBER WAS COMPARED")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    for call in calls(machine):
        found = resolve(ctypes.c_uint32(AUDIT[machine]), call.name.encode())
        assert found == call.number, call.name
