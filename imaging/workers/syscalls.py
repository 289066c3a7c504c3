"""System calls: what a worker that only computes may still ask of the kernel, by architecture.

Everything else ends the process, but for two kinds: looking for files, which libraries do without
when they must, and `clone3`, after which libc asks by `clone`.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EACCES, ENOSYS
from mmap import PROT_EXEC
from typing import Literal

Machine = Literal["x86_64", "aarch64"]

AUDIT: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""What the kernel calls the architectures (linux/audit.h)."""

# Numbers in asm/unistd_64.h and asm-generic/unistd.h; none where there is no such call.
_ALLOWED = {
    # The socket, and what decoders print into nowhere.
    "read": (0, 63),
    "write": (1, 64),
    "writev": (20, 66),
    "recvfrom": (45, 207),
    "sendto": (44, 206),
    "lseek": (8, 62),
    "close": (3, 57),
    # Memory.
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    # Time, chance, and turns.
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    # Itself, and threads, which libde265 can not do without.
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "getpid": (39, 172),
    "getcwd": (79, 17),  # Pillow compares names of files, also where there are none; it is /
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
_BOUND = {
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "clone": (56, 220),
    "prlimit64": (302, 261),
}
_DENIED = {
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "ioctl": (16, 29),
    "clone3": (435, 435),
}


@dataclass(frozen=True, slots=True)
class Check:
    """Holds when the low half of an argument, masked, has that value."""

    argument: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call by number: let through where every check holds, or refused with an `errno`."""

    name: str
    number: int
    checks: tuple[Check, ...] = ()
    errno: int = 0


_NO_CODE = (Check(2, PROT_EXEC, 0),)
# Of its limits only the processor time that a job begins with; the pool's patience bounds that.
_OWN_CPU_TIME = (Check(0, 0xFFFFFFFF, 0), Check(1, 0xFFFFFFFF, resource.RLIMIT_CPU))
# A thread of this process, in its namespaces and under its filter (linux/sched.h).
_CLONE_VM, _CLONE_THREAD = 0x100, 0x10000
_CLONE_OUT = 0x7E020000 | 0x2000 | 0x4000  # into a new namespace, a tracer's hands, or a vfork
_THREAD = _CLONE_VM | _CLONE_THREAD
_ONLY_THREADS = (Check(0, _THREAD | _CLONE_OUT, _THREAD),)
_CHECKS = {
    "mmap": _NO_CODE,
    "mprotect": _NO_CODE,
    "clone": _ONLY_THREADS,
    "prlimit64": _OWN_CPU_TIME,
}


def calls(machine: Machine) -> Iterator[Call]:
    """The calls that do not end the process, on that architecture."""
    place = 0 if machine == "x86_64" else 1
    for name, numbers in {**_ALLOWED, **_BOUND, **_DENIED}.items():
        number = numbers[place]
        if number is not None:
            errno = 0 if name not in _DENIED else ENOSYS if name == "clone3" else EACCES
            yield Call(name, number, _CHECKS.get(name, ()), errno)
