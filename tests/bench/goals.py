# SPDX-License-Identifier: MIT
"""What has to be reached: each goal with what it must be, what it shall be, and is. Pure."""

from typing import Callable, NamedTuple

from report import ratios

QD1 = "randread-4k-qd1"
QD32 = "randread-4k-qd32"


class Goal(NamedTuple):
    """
    A figure to reach; value(doc) is None where it was not measured.

    most: it is a limit, less is better; ceiling: what a test holds it to instead of what it
    must be, a little above what it is, so that it gets no worse; limit(doc): what can be
    reached with this storage, whatever the goal is.
    """

    title: str
    must: float
    aim: float
    value: Callable
    most: bool = False
    ceiling: float | None = None
    limit: Callable = lambda doc: None

    def verdict(self, value):
        if value is None:
            return "-"
        if self.most:
            return "aim" if value <= self.aim else "pass" if value <= self.must else "MISS"
        return "aim" if value >= self.aim else "pass" if value >= self.must else "MISS"


class Row(NamedTuple):
    """What has become of a goal; value and limit are None where they were not measured."""

    title: str
    value: float | None
    must: float
    aim: float
    verdict: str
    limit: float | None


def disk(doc):
    return next((s for s in doc["stores"] if s["fstype"] != "tmpfs"), None)


def memory(doc):
    return next((s for s in doc["stores"] if s["fstype"] == "tmpfs"), None)


def figure(store, case, peer, key):
    """A figure of a peer, or None; of a spread its median. store(doc) is one of the above."""

    def value(doc):
        found = (store(doc) or {"results": {}})["results"].get(case, {}).get(peer, {})
        for k in key:
            found = found.get(k)
            if found is None:
                return None
        return found

    return value


def to_fio(case):
    return figure(disk, case, "pvbackd", ("ratio_to_fio", "median"))


def over(store, case, peer):
    return figure(store, case, peer, ("pvbackd_ratio", "median"))


def limit_over(store, case, peer):
    """The same of fio on the file: nobody is between it and the storage."""
    return figure(store, case, peer, ("fio_ratio", "median"))


def best_nbd(ratio, store):
    """A ratio to whichever of them is the faster."""

    def value(doc):
        found = [ratio(store, QD32, peer)(doc) for peer in ("nbdkit", "qemu-nbd")]
        return min((v for v in found if v is not None), default=None)

    return value


def cached(doc):
    """pvbackd over nbdkit, both through the page cache."""
    both = [figure(disk, QD32, peer, ("rounds",))(doc) for peer in ("pvbackd-cached", "nbdkit-cached")]
    return ratios(*both)["median"] if all(both) else None


def copy_over_persistent(store):
    def value(doc):
        ratio = over(store, QD32, "pvbackd-copy")(doc)
        return 1 / ratio if ratio else None

    return value


def counter(store, name):
    return figure(store, QD32, "pvbackd", ("counters", name))


def count(name):
    return lambda doc: doc.get("counts", {}).get(name)


def net_ratio(key):
    """A network card's rate over its peer's."""

    def value(doc):
        found = doc.get("net", {}).get("results", {}).get(key)
        return found["ratio"]["median"] if found else None

    return value


# Exact enough to be tested: tests/bench/test_counts.
COUNTS = (
    Goal("notifies to backend per request, QD32", 0.10, 0.04, count("notifies to backend"), True),
    Goal("notifies to guest per request, QD32", 0.10, 0.04, count("notifies to guest"), True),
    Goal("syscalls per request, QD32", 0.30, 0.12, count("syscalls"), True),
    Goal("syscalls per request, QD32, grant copy", 0.45, 0.20, count("syscalls, copy"), True),
    Goal("grant copies per request, QD32", 0.10, 0.04, count("grant copies"), True),
    Goal("pages mapped per request, steady", 0, 0, count("pages mapped"), True),
    Goal("publications per request, QD32, null engine", 1 / 32, 1 / 32, count("publications"), True),
    Goal("syscalls per request, QD32, tmpfs", 1.4, 1.1, count("syscalls, tmpfs"), True),
    Goal("notifies to guest per request, QD32, tmpfs", 0.10, 0.04,
         count("notifies to guest, tmpfs"), True),
    Goal("notifies to a guest that is awake", 0.001, 0.001, count("notifies, awake"), True),
    Goal("instructions per request, null engine", 270, 150, count("instructions, null"), True, 150),
    Goal("instructions per request, io_uring", 560, 320, count("instructions, uring"), True, 345),
    Goal("instructions per request, tmpfs", 400, 290, count("instructions, tmpfs"), True, 325),
    Goal("notifies per frame, both ways, 64 B, network", 0.1, 0.03, count("frame notifies, 64 B"), True),
    Goal("grant copies per frame of 64 KiB, network", 2, 1, count("frame copies, 64 KiB"), True, 0.1),
    Goal("instructions per frame, 64 B out, network", 700, 450, count("frame instructions, tx"), True, 505),
    Goal("instructions per frame, 64 B in, network", 450, 350, count("frame instructions, rx"), True, 410),
    Goal("instructions per frame, 64 KiB TSO out, network", 12000, 10000,
         count("frame instructions, tso"), True, 10600),
)

RATES = (
    Goal("4k randread QD32 / fio, disk", 0.75, 0.90, to_fio(QD32)),
    Goal("4k randread QD1 / fio, disk", 0.70, 0.85, to_fio(QD1)),
    Goal("1M read QD8 / fio, disk", 0.80, 0.95, to_fio("read-1m-qd8")),
    Goal("1M write QD8 / fio, disk", 0.80, 0.95, to_fio("write-1m-qd8")),
    Goal("4k randread QD32 / vhost-user-blk, disk", 1.0, 1.15, over(disk, QD32, "qsd"),
         limit=limit_over(disk, QD32, "qsd")),
    Goal("4k randread QD32 / vhost-user-blk, tmpfs", 1.8, 2.5, over(memory, QD32, "qsd")),
    Goal("4k randread QD32 / best of NBD, disk", 1.5, 1.8, best_nbd(over, disk),
         limit=best_nbd(limit_over, disk)),
    Goal("4k randread QD32 / nbdkit, both by page cache, disk", 1.0, 1.5, cached),
    Goal("4k randread QD32 / best of NBD, tmpfs", 3.0, 4.0, best_nbd(over, memory)),
    Goal("CPU per I/O, QD32 / vhost-user-blk, disk", 0.6, 0.45,
         figure(disk, QD32, "qsd", ("pvbackd_cpu_ratio", "median")), True),
    Goal("grant copy / persistent, QD32, disk", 0.8, 0.95, copy_over_persistent(disk)),
    Goal("grant copy / persistent, QD32, tmpfs", 0.8, 0.95, copy_over_persistent(memory)),
    Goal("notifies to backend per request, QD32, disk", 0.10, 0.04,
         counter(disk, "notifies to backend"), True),
    Goal("notifies to guest per request, QD32, disk", 0.10, 0.04,
         counter(disk, "notifies to guest"), True),
    Goal("syscalls per request, QD32, disk", 0.30, 0.12, counter(disk, "syscalls"), True),
)

NET = (
    Goal("guest to TAP, 64 B / write(), network", 0.6, 1.0, net_ratio("tx-64")),
    Goal("guest to TAP, 64 KiB TSO / writev(), network", 0.4, 0.6, net_ratio("tx-tso")),
    Goal("TAP to guest, 64 B / read(), network", 0.7, 1.0, net_ratio("rx-64")),
    Goal("TCP guest to guest, TSO / veth, network", 0.35, 0.6, net_ratio("tcp-tso")),
    Goal("TCP guest to guest / TAP relay, network", 0.6, 1.0, net_ratio("tcp-plain")),
)

GOALS = (*RATES, *NET, *COUNTS)


def rows(doc, goals=GOALS):
    for goal in goals:
        value = goal.value(doc)
        yield Row(goal.title, value, goal.must, goal.aim, goal.verdict(value), goal.limit(doc))
