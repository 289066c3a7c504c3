"""`python -m gateway` is `ostiary`."""

from gateway.cli import main

main(prog_name="ostiary")
