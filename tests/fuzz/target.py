"""The fuzz target: `make fuzz`, or `python tests/fuzz/target.py FOLDER... [libFuzzer's options]`.

Whatever the octets are, the engine answers or raises one of its own errors. Anything else, a
signal and a job that does not end are findings; libFuzzer leaves the input behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]
with atheris.instrument_imports(include=["imaging"]):
    from looks import look_at

if __name__ == "__main__":
    atheris.Setup(sys.argv, look_at)
    atheris.Fuzz()
