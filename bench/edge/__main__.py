"""`python -m bench.edge [SECTION...]`: measure the edge, and print a table for each section."""

from __future__ import annotations

import sys

from bench.edge import crowd, dead, far, purges, replay, verifying
from bench.sections import Sections, carry_out

SECTIONS: Sections = {
    "replay": ("Hits in a real Varnish, by the way URLs are made", replay.run),
    "crowd": ("300 viewers at once for one cold object", crowd.run),
    "verifying": ("A hit of 30 KB with and without verifying its link", verifying.run),
    "purges": ("From a change to its new bytes in Varnish", purges.run),
    "dead": ("The gateway killed", dead.run),
    "far": ("2 MB across 250 ms, and from an edge 20 ms away", far.run),
}

if __name__ == "__main__":
    sys.exit(carry_out(SECTIONS, sys.argv[1:]))
