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


def inside(netns):
    """What runs a command in a network namespace; None is ours."""
    return ["ip", "netns", "exec", netns] if netns else []


class Host:
    """
    A simulated host with pvbackd, in a network namespace or ours; goes with @stack.
    settings: pvbackd's, and nothing else is in effect.
    """

    def __init__(self, stack, title, log, netns=None, settings=""):
        # Sockets and shared memory: on tmpfs wherever the image is, under a short name.
        self.dir = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="pvb-bench.", dir="/dev/shm")
        )
        self.env = os.environ | {
            "XENSIM_DIR": f"{self.dir}/host",
            "PATH": f"{BUILD}:{TOP}/xenstore-scripts:{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        stack.callback(self.down)
        config = Path(self.dir, "pvbackd.conf")
        config.write_text(settings, encoding="utf-8")
        self.sim("up")
        self.server = stack.enter_context(
            Server(
                title,
                [*inside(netns), XENSIM, "run", "--", BUILD / "pvbackd", "--foreground",
                 "--run-dir", f"{self.dir}/run", "--config", config],
                log,
                self.env,
            )
        )
        self.server.wait_for("start", lambda: STARTED in self.log())

    def sim(self, *argv, seconds=0, netns=None):
        return run([*inside(netns), XENSIM, *argv], seconds + SLACK, self.env)

    def down(self):
        if os.path.exists(f"{self.dir}/host"):
            self.sim("down")

    def log(self, seen=0):
        return self.server.log.read_text()[seen:]

    def served(self, seen, done):
        """
        The workers' counters of a load that is over: what was logged after @seen, as soon
        as done(counters).
        """
        end = time.monotonic() + LOG_TIMEOUT
        while True:
            total = counters(self.log(seen))
            if done(total):
                return total
            if time.monotonic() > end:
                raise BenchError(f"the worker's counters are {total}")
            time.sleep(0.01)


class Pvbackd(Peer):
    """Guest 1 has the image as xvda; pvblk connects to it anew for each run."""

    key = "pvbackd"
    title = "pvbackd"
    # Requests as Linux's blkfront makes them by default: up to 32 pages.
    load_options = ("--segments=32",)

    def __init__(self, image, settings=""):
        super().__init__(image)
        self.settings = settings

    def start(self):
        log = self.image.dir / f"{self.key}.log"
        self.host = Host(self.stack, self.title, log, settings=self.settings)
        self.server = self.host.server
        self.host.sim("guest", GUEST, "--keep", "--detach", "--", "true")
        self.host.sim("run", "--", "vbd-attach", "--wait", GUEST, self.image.path, VDEV)

    def run_load(self, *options, seconds=0):
        return self.host.sim(
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
        """The worker's counters of a load of so many requests."""
        return self.host.served(
            seen, lambda total: total.get("reads", 0) + total.get("writes", 0) >= requests
        )

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


class PvbackdCached(Pvbackd):
    """The same through the page cache, which does not have the image at first."""

    key = "pvbackd-cached"
    title = "pvbackd, page cache"
    on_disk_only = True

    def __init__(self, image):
        super().__init__(image, "vbd.cache = writeback\n")

    def load(self, case, seconds):
        self.image.forget()
        return super().load(case, seconds)


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
