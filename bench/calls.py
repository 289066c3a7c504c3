"""Calls: what wrk sends besides a bare GET, told to it as scripts in Lua."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_SAME = """wrk.method = {method}
{fields}
"""
# An empty one would be told as Content-Length: 0, and no browser asks for documents with that.
_BODY = "wrk.body = {body}\n"
_TURNS = """local callers = {{}}
for line in io.lines({callers}) do callers[#callers + 1] = line end
local turn = 0
function request()
  turn = turn % #callers + 1
  wrk.headers["authorization"] = callers[turn]
  return wrk.format()
end
"""


def same(path: Path, method: str, fields: Mapping[str, str], body: str = "") -> Path:
    """Write a script that sends one call again and again."""
    lines = (f"wrk.headers[ {quoted(name)} ] = {quoted(value)}" for name, value in fields.items())
    script = _SAME.format(method=quoted(method), fields="\n".join(lines))
    path.write_text(script + (_BODY.format(body=quoted(body)) if body else ""))
    return path


def in_turn(path: Path, fields: Mapping[str, str], body: str, callers: Sequence[str]) -> Path:
    """Write a script that sends one POST in the name of one caller after the other.

    `callers` are values of Authorization; after the last comes the first again.
    """
    names = path.with_suffix(".callers")
    names.write_text("\n".join(callers))
    same(path, "POST", fields, body)
    with path.open("a") as script:
        script.write(_TURNS.format(callers=quoted(str(names))))
    return path


def quoted(text: str) -> str:
    """The text as a long string of Lua, which escapes nothing."""
    return f"[==[{text}]==]"
