"""`python -m bench.edge [SECTION...]`: measure the edge, and print a table for each section."""

from __future__ import annotations

import sys

from bench.edge import replay, verifying
from bench.sections import Sections, carry_out

SECTIONS: Sections = {
    "replay": ("Hits in a real Varnish, by the way URLs are made", replay.run),
    "verifying": ("A hit of 30 KB with and without verifying its link", verifying.run),
}

if __name__ == "__main__":
    sys.exit(carry_out(SECTIONS, sys.argv[1:]))
