"""How long an answer may be kept, under which tags, and how a cache is told to forget it."""
