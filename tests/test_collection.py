"""pytest finds the same tests in every process, as pytest-xdist requires."""

import os
import subprocess
import sys
import time

from harness import REPO


def test_every_process_collects_the_same_tests():
    """Two processes with different set orders, started in different seconds."""
    processes = []
    for seed in ("1", "2"):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "pytest", "--collect-only", "-m", "", "-p", "no:xdist"],
                cwd=REPO,
                env=os.environ | {"PYTHONHASHSEED": seed},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        time.sleep(1.1)  # gzip writes the second into what it packs
    first, second = (
        [line for line in process.communicate()[0].splitlines() if "::" in line]
        for process in processes
    )
    assert len(first) > 1000
    assert first == second
