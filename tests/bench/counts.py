# SPDX-License-Identifier: MIT
"""
What does not depend on the clock: how often a worker notifies, copies, maps and calls the
kernel for a request at depth 32, and how many instructions it takes.
"""

import json

from image import Image
from pvbackd import Pvbackd, PvbackdCopy, per_request

# A run that maps every page there is, and a longer one.
SHORT = 20000
LONG = 60000


def served(peer, requests):
    """The counters of both ends for a load of that many requests."""
    seen = len(peer.server.log.read_text())
    job = json.loads(
        peer.run_load("--rw=randread", "--bs=4096", "--depth=32", f"--size={requests * 4096}")
    )
    return peer.served(seen, requests) | {
        "notifies to backend": job["notifies_sent"],
        "notifies to guest": job["events_received"],
    }


def steady(peer):
    """Per request, without what connecting takes: a longer run less a shorter one."""
    short, long = served(peer, SHORT), served(peer, LONG)
    delta = {name: long[name] - short[name] for name in long}
    n = LONG - SHORT
    both = {name: delta[name] / n for name in ("notifies to backend", "notifies to guest")}
    return both | per_request(delta, n)


def by_counters():
    """On tmpfs, where requests complete fastest and singly."""
    with Image("/dev/shm", 64) as image:
        with Pvbackd(image) as peer:
            mapped = steady(peer)
        with PvbackdCopy(image) as peer:
            copied = steady(peer)
    return mapped | {
        "syscalls, copy": copied["syscalls"],
        "grant copies": copied["grant copies"],
        "notifies to guest, copy": copied["notifies to guest"],
    }


def measure():
    return by_counters()
