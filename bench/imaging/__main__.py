"""`python -m bench.imaging [SECTION...]`: measure renditions, and print a table for each."""

from __future__ import annotations

import sys

from bench.imaging import crowd, ladder, nearness, speed, weights
from bench.peers.installed import versions
from bench.sections import Sections, carry_out

SECTIONS: Sections = {
    "speed": ("A photograph scaled to 640 pixels for the first time", speed.run),
    "nearness": ("Octets of photographs for one nearness, 640 pixels wide", nearness.run),
    "weights": ("Octets by kind of document, to quality 80 and to the original", weights.run),
    "ladder": ("A ladder of eighteen renditions", ladder.run),
    "crowd": ("A hundred requests at once for one rendition that nobody has made", crowd.run),
}

if __name__ == "__main__":
    sys.exit(carry_out(SECTIONS, sys.argv[1:], versions()))
