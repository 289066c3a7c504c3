"""The tests; a package, because a library of the dev group installs a `tests` of its own."""
