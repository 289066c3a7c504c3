"""Worker processes are weighed without touching them."""

import os

from imaging.workers.processes import resident


def test_a_running_process_has_weight_and_one_that_is_gone_has_none() -> None:
    assert resident(os.getpid()) > 1 << 20
    assert resident(0) == 0
