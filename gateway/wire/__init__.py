"""Wire: HTTP as it is decided without I/O: fields, media types, preconditions, ranges."""
