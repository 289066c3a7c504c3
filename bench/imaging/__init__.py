"""What renditions cost and how good they are, beside other servers of pictures in the same run.

`python -m bench.imaging` measures everything, `python -m bench.imaging speed ladder` those
sections. `BENCH_PICTURES` names a folder with real documents; else those made by code are taken.
"""
