# SPDX-License-Identifier: MIT
"""
What is counted instead of timed: how often a worker notifies, copies, maps and calls the
kernel for a request at depth 32, and how many instructions it takes.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import net
from image import Image
from proc import BenchError, run
from pvbackd import BUILD, Pvbackd, PvbackdCopy, per_request

REQUESTS = 60000
# Runs of which the best counts. How requests come together in batches depends on who else
# wants the processors, and company makes batches smaller, not larger.
TRIES = 4
# For instructions; a multiple of the ring.
TURNS = 32000
TURNS_TIMEOUT = 60


def served(peer, requests=REQUESTS):
    """What the worker, and the guest of it, counted of a load of so many requests."""
    seen = len(peer.server.log.read_text())
    job = json.loads(
        peer.run_load("--rw=randread", "--bs=4096", "--depth=32", f"--size={requests * 4096}")
    )
    return peer.served(seen, requests) | {"sent": job["notifies_sent"]}


def each(total):
    return per_request(total, REQUESTS) | {
        "notifies to backend": total["sent"] / REQUESTS,
        "notifies to guest": total["notifies"] / REQUESTS,
    }


def least(peer):
    runs = [each(served(peer)) for _ in range(TRIES)]
    return {name: min(r[name] for r in runs) for name in runs[0]}


def steadily_mapped(peer):
    """Pages mapped for a request once all that are used have been."""
    short, long = served(peer, REQUESTS // 2), served(peer)
    return sum(
        abs(long[n] - short[n]) for n in ("map_pages", "unmap_pages")
    ) / (REQUESTS // 2)


# What a disk is served by, whatever is known of the one it is on.
URING = "vbd.engine = io_uring\n"


def by_counters():
    """
    On tmpfs, where requests complete one by one and fast, but as if it were a disk; and as
    what it is.
    """
    with Image("/dev/shm", 64) as image:
        with Pvbackd(image, URING) as peer:
            mapped = least(peer) | {"pages mapped": steadily_mapped(peer)}
        with PvbackdCopy(image, URING) as peer:
            copied = least(peer)
        with Pvbackd(image) as peer:
            tmpfs = least(peer)
    return mapped | {
        "syscalls, copy": copied["syscalls"],
        "grant copies": copied["grant copies"],
        "syscalls, tmpfs": tmpfs["syscalls"],
        "notifies to guest, tmpfs": tmpfs["notifies to guest"],
    }


def instructions(program, *argv):
    """
    The report of a program that serves a ring in one thread, and instructions. Of these only
    what serve() calls is counted: neither the guest nor the start.
    """
    with tempfile.TemporaryDirectory(prefix="pvb-bench.", dir="/dev/shm") as where:
        out = Path(where) / "callgrind"
        report = run(
            ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}",
             "--toggle-collect=serve", BUILD / "tests/bench" / program, *argv],
            TURNS_TIMEOUT,
        )
        found = re.search(r"^summary: (\d+)", out.read_text(), re.M)
    if not found:
        raise BenchError("callgrind has not counted")
    return json.loads(report) | {"instructions": int(found[1])}


def turns(engine):
    """What a disk's request takes."""
    with Image("/dev/shm", 16) as image:
        total = instructions("turns", engine, TURNS, image.path)
    return {name: n / TURNS for name, n in total.items()}


def net_turns(kind):
    """Instructions that a network card's frame takes."""
    total = instructions("net_turns", kind, TURNS)
    return total["instructions"] / total["frames"]


def missing():
    """Why instructions cannot be counted here, or None."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed (Debian package valgrind)"
    if "-fsanitize" in os.environ.get("CFLAGS", "") or BUILD.name.endswith("-san"):
        return "valgrind does not run what is built with sanitizers"
    return None


def by_instructions():
    if missing():
        return {}
    null, uring, tmpfs = turns("null"), turns("uring"), turns("tmpfs")
    return {
        "notifies, awake": null["notifies"],
        "publications": null["publications"],
        "instructions, null": null["instructions"],
        "instructions, uring": uring["instructions"],
        "instructions, tmpfs": tmpfs["instructions"],
        **{f"frame instructions, {kind}": net_turns(kind) for kind in ("tx", "tso", "rx")},
    }


def measure():
    return by_counters() | net.counts() | by_instructions()
