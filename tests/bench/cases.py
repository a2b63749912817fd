# SPDX-License-Identifier: MIT
"""What is measured: the workloads, and what one run of one workload yields."""

from typing import NamedTuple

KIB = 1024
MIB = 1024 * 1024


class Case(NamedTuple):
    """
    A workload: fio's names, bs in bytes, unit of the figures shown.

    brief: a point between the ends of the plot, measured in fewer and shorter rounds;
    peers: keys of those who run it.
    """

    key: str
    title: str
    rw: str
    bs: int
    depth: int
    unit: str
    brief: bool
    peers: tuple


NBD = ("nbdkit", "qemu-nbd")
ALL = ("pvbackd", "fio", "qsd", *NBD)
# NBD servers would fill the page cache, and the next peer would wait for its writeback.
LARGE = ("pvbackd", "fio", "qsd")


def randread(depth, brief=False, peers=ALL):
    return Case(
        f"randread-4k-qd{depth}", f"4k randread QD{depth}", "randread", 4 * KIB, depth, "IOPS",
        brief, peers,
    )


CASES = (
    randread(1),
    *(randread(depth, brief=True) for depth in (2, 4, 8, 16)),
    randread(32, peers=(*ALL, "pvbackd-copy", "pvbackd-cached", "nbdkit-cached")),
    Case("read-1m-qd8", "1M read QD8", "read", MIB, 8, "MiB/s", False, LARGE),
    Case("write-1m-qd8", "1M write QD8", "write", MIB, 8, "MiB/s", False, LARGE),
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
