# SPDX-License-Identifier: MIT
"""pvbackd and its frontend, on a simulated host of their own."""

import os
import re
import tempfile
import time
from pathlib import Path

from loadgen import parse
from peer import Peer
from proc import BenchError, Server, family, run

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", TOP / "build"))
XENSIM = BUILD / "xensim/xensim"

# Setting up a host, connecting and closing a device, on a machine that is busy.
SLACK = 60
# For a worker's last line to come through.
LOG_TIMEOUT = 10
STARTED = "serves the guests of domain"
GUEST = "1"
VDEV = "xvda"


class Pvbackd(Peer):
    """Guest 1 has the image as xvda; pvblk connects to it anew for each run."""

    key = "pvbackd"
    title = "pvbackd"
    # Requests as Linux's blkfront makes them by default: up to 32 pages.
    load_options = ("--segments=32",)

    def sim(self, *argv, seconds=0):
        return run([XENSIM, *argv], seconds + SLACK, self.env)

    def down(self):
        if os.path.exists(self.host):
            self.sim("down")

    def start(self):
        # Sockets and shared memory: on tmpfs wherever the image is, under a short name.
        host = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="pvb-bench.", dir="/dev/shm")
        )
        self.host = f"{host}/host"
        self.env = os.environ | {
            "XENSIM_DIR": self.host,
            "PATH": f"{BUILD}:{TOP}/xenstore-scripts:{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        self.stack.callback(self.down)
        self.sim("up")
        self.server = self.stack.enter_context(
            Server(
                self.title,
                [XENSIM, "run", "--", BUILD / "pvbackd", "--foreground",
                 "--run-dir", f"{host}/run"],
                self.image.dir / f"{self.key}.log",
                self.env,
            )
        )
        self.server.wait_for("start", lambda: STARTED in self.server.log.read_text())
        self.sim("guest", GUEST, "--keep", "--detach", "--", "true")
        self.sim("run", "--", "vbd-attach", "--wait", GUEST, self.image.path, VDEV)

    def run_load(self, *options, seconds=0):
        return self.sim(
            "run", "--domid", GUEST, "--", "pvblk", "load", VDEV, "--json",
            *self.load_options, *options, seconds=seconds,
        )

    def load(self, case, seconds):
        seen = len(self.server.log.read_text())
        out = self.run_load(
            f"--rw={case.rw}", f"--bs={case.bs}", f"--depth={case.depth}",
            f"--time={round(seconds * 1000)}ms",
            seconds=seconds,
        )
        sample = parse(case, out, "pvblk")
        requests = sample.counters["requests"]
        counters = per_request(self.served(seen, requests), requests)
        return sample._replace(counters=sample.counters | counters)

    def served(self, seen, requests):
        """The worker's counters of a load that is over: what was logged after @seen."""
        end = time.monotonic() + LOG_TIMEOUT
        while True:
            total = counters(self.server.log.read_text()[seen:])
            if total.get("reads", 0) + total.get("writes", 0) >= requests:
                return total
            if time.monotonic() > end:
                raise BenchError(f"the worker's counters are {total} after {requests} requests")
            time.sleep(0.01)

    def servers(self):
        return family(self.server.proc.pid)


class PvbackdCopy(Pvbackd):
    """
    The same by grant copy. The guest's pages stay granted: granting is a store to memory
    on Xen, and a call to the simulator's broker here.
    """

    key = "pvbackd-copy"
    title = "pvbackd, grant copy"
    load_options = (*Pvbackd.load_options, "--persistent=off", "--rotate=1000000000")


def counters(log):
    """Sums of what the rings of a log served, by name."""
    total = {}
    for line in log.splitlines():
        if " served " in line:
            for name, value in re.findall(r"(\w+)=(\d+)", line):
                total[name] = total.get(name, 0) + int(value)
    return total


def per_request(total, requests):
    """
    What a worker does for a request. A system call on Xen is: the engine's, a notify, a
    read and an unmask for an event, a grant copy.
    """
    calls = total["syscalls"] + total["notifies"] + 2 * total["events"] + total["copy_calls"]
    return {
        "syscalls": calls / requests,
        "grant copies": total["copy_calls"] / requests,
        "pages mapped": total["map_pages"] / requests,
    }
