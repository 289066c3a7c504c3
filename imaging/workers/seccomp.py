"""Seccomp: has the kernel end this process at any system call that is not on its list.

The list is put in words of classic BPF that the kernel runs before each call (seccomp(2),
linux/filter.h). It can not be taken off again, and holds for every thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from imaging.workers.syscalls import AUDIT, Call, Machine, calls

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
"""Answers of a filter; the low half of ERRNO is the number."""

# struct seccomp_data: nr(4) arch(4) instruction_pointer(8) args(6 x 8), little-endian here.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_INSTRUCTION = struct.Struct("<HBBI")

_PR_SET_NO_NEW_PRIVS = 38
_KNOWN: dict[str, Machine] = {"x86_64": "x86_64", "aarch64": "aarch64"}
_SECCOMP: dict[Machine, int] = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(machine: str = os.uname().machine) -> bool:
    """Confines this process for good; False where this kernel or machine does not offer that."""
    known = _KNOWN.get(machine)
    if known is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    octets = program(known)
    libc = ctypes.CDLL(None, use_errno=True)
    filtered = _Program(len(octets) // _INSTRUCTION.size, octets)
    arguments = ctypes.c_ulong(_SET_MODE_FILTER), ctypes.c_ulong(_ALL_THREADS)
    return bool(
        libc.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(n) for n in (1, 0, 0, 0))) == 0
        and libc.syscall(ctypes.c_long(_SECCOMP[known]), *arguments, ctypes.byref(filtered)) == 0
    )


def program(machine: Machine) -> bytes:
    """The filter for that architecture; a call made in another one's ways is on no list."""
    code = [
        *(_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, AUDIT[machine], 1), _step(_RETURN, KILL)),
        _step(_LOAD, _NUMBER),
    ]
    for call in calls(machine):
        answer = _answer(call)
        code += [_step(_EQUAL, call.number, 0, len(answer)), *answer]
    return b"".join([*code, _step(_RETURN, KILL)])


def _answer(call: Call) -> list[bytes]:
    """What follows the call's number; it ends with an answer whatever the arguments are."""
    if call.errno:
        return [_step(_RETURN, ERRNO | call.errno)]
    return [*_checked(call), _step(_RETURN, ALLOW)]


def _checked(call: Call) -> Iterable[bytes]:
    for check in call.checks:
        yield _step(_LOAD, _ARGUMENTS + 8 * check.argument)
        yield _step(_AND, check.mask)
        yield _step(_EQUAL, check.value, 1)
        yield _step(_RETURN, KILL)


def _step(code: int, value: int, held: int = 0, failed: int = 0) -> bytes:
    """One instruction; a comparison passes over so many where it held, and where it did not."""
    return _INSTRUCTION.pack(code, held, failed, value)
