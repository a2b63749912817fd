# SPDX-License-Identifier: MIT
"""fio: one run of a case against a file or an NBD export."""

import json

from cases import Sample
from proc import BenchError, run

# Setting up and reporting, on a machine that is busy.
SLACK = 30


def fio(case, seconds, *target):
    """Run a case. fio's --runtime is whole seconds unless a unit is given."""
    out = run(
        [
            "fio",
            "--name=bench",
            f"--rw={case.rw}",
            f"--bs={case.bs}",
            f"--iodepth={case.depth}",
            "--time_based",
            f"--runtime={round(seconds * 1000)}ms",
            "--norandommap",
            "--randrepeat=0",
            "--output-format=json",
            *target,
        ],
        seconds + SLACK,
    )
    return parse(case, out)


def parse(case, text):
    """fio's JSON, which warnings may precede, as a Sample."""
    try:
        job = json.loads(text[text.index("{") :])["jobs"][0]
        side = job["write" if "write" in case.rw else "read"]
        wall = side["runtime"] / 1000
        clat = side["clat_ns"].get("percentile", {})
    except (ValueError, LookupError, TypeError) as e:
        raise BenchError(f"fio's output is not understood ({e}): {text[:300]}") from None
    if job["error"] or side["total_ios"] == 0 or wall == 0:
        raise BenchError(f"fio: error {job['error']}, {side['total_ios']} I/Os in {wall} s")
    return Sample(
        ios=side["total_ios"],
        seconds=wall,
        cpu=None,
        p50=clat.get("50.000000", 0) / 1000,
        p99=clat.get("99.000000", 0) / 1000,
        counters={},
    )
