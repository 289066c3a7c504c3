"""`python -m bench [SECTION...]`: measure, and print a table for each section."""

from __future__ import annotations

import sys

from bench import (
    asked,
    cold,
    front,
    hit,
    hostile,
    issuing,
    passed,
    reads,
    signs,
    stalled,
    store,
    stream,
    verify,
)
from bench.sections import Sections, carry_out

SECTIONS: Sections = {
    "hit": ("A document of 30 KB from memory, one process", hit.run),
    "front": ("The same behind Varnish", front.run),
    "stream": ("200 MB streamed", stream.run),
    "stalled": ("200 readers that stand still in 200 MB", stalled.run),
    "store": ("A small object from S3", store.run),
    "cold": ("1,000 requests at once for one cold object", cold.run),
    "hostile": ("A document of 30 KB while hostile files are rendered", hostile.run),
    "verify": ("Verifying a link", verify.run),
    "issuing": ("Issuing links", issuing.run),
    "signs": ("Signed URLs of the storage routes, decisions known", signs.run),
    "asked": ("A hundred signed URLs in a call, upstream asked each time", asked.run),
    "reads": ("A document of 30 KB by the storage routes", reads.run),
    "passed": ("Passed on to Supabase", passed.run),
}

if __name__ == "__main__":
    sys.exit(carry_out(SECTIONS, sys.argv[1:]))
