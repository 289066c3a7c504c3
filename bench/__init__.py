"""The bench: what Ostiary costs, as ratios to its peers within one run.

`python -m bench` measures everything, `python -m bench hit verify` those sections. The machine's
speed cancels out of a ratio; the CPU time of a server's processes does not even depend on what
else runs beside it.
"""
