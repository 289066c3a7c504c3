"""The tests; a package by name, because a library of the dev group installs one of the same name."""
