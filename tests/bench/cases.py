# SPDX-License-Identifier: MIT
"""What is measured: the workloads, and what one run of one workload yields."""

from typing import NamedTuple

KIB = 1024
MIB = 1024 * 1024


class Case(NamedTuple):
    """A workload: fio's names, bs in bytes, unit of the figures shown."""

    key: str
    title: str
    rw: str
    bs: int
    depth: int
    unit: str


CASES = (
    Case("randread-4k-qd1", "4k randread QD1", "randread", 4 * KIB, 1, "IOPS"),
    Case("randread-4k-qd32", "4k randread QD32", "randread", 4 * KIB, 32, "IOPS"),
    Case("read-1m-qd8", "1M read QD8", "read", MIB, 8, "MiB/s"),
    Case("write-1m-qd8", "1M write QD8", "write", MIB, 8, "MiB/s"),
)


class Sample(NamedTuple):
    """
    One run of a case.

    ios: I/Os of the case's block size; seconds: the load generator's own clock;
    cpu: CPU seconds of the server's processes, None for a peer that has no server;
    p50, p99: latency in us; counters: what the load generator counted besides, by name.
    """

    ios: int
    seconds: float
    cpu: float | None
    p50: float
    p99: float
    counters: dict

    def rate(self, case):
        """The figure to compare, in the case's unit."""
        iops = self.ios / self.seconds
        return iops if case.unit == "IOPS" else iops * case.bs / MIB
