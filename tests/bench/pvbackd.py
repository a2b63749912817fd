# SPDX-License-Identifier: MIT
"""pvbackd and its frontend, on a simulated host of their own."""

import json
import os
import tempfile
from pathlib import Path

from cases import Sample
from peer import Peer
from proc import BenchError, Server, family, run

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", TOP / "build"))
XENSIM = BUILD / "xensim/xensim"

# Setting up a host, connecting and closing a device, on a machine that is busy.
SLACK = 60
STARTED = "serves the guests of domain"
GUEST = "1"
VDEV = "xvda"


class Pvbackd(Peer):
    """Guest 1 has the image as xvda; pvblk connects to it anew for each run."""

    key = "pvbackd"
    title = "pvbackd, blkfront"

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
                self.image.dir / "pvbackd.log",
                self.env,
            )
        )
        self.server.wait_for("start", lambda: STARTED in self.server.log.read_text())
        self.sim("guest", GUEST, "--keep", "--detach", "--", "true")
        self.sim("run", "--", "vbd-attach", "--wait", GUEST, self.image.path, VDEV)

    def load(self, case, seconds):
        out = self.sim(
            "run", "--domid", GUEST, "--", "pvblk", "load", VDEV, "--json",
            f"--rw={case.rw}", f"--bs={case.bs}", f"--depth={case.depth}",
            f"--time={round(seconds * 1000)}ms",
            seconds=seconds,
        )
        return parse(case, out)

    def servers(self):
        return family(self.server.proc.pid)


def parse(case, text):
    """pvblk's JSON as a Sample."""
    try:
        job = json.loads(text)
        side = job["write" if "write" in case.rw else "read"]
        requests = job["requests"]
        return Sample(
            ios=side["ios"],
            seconds=job["seconds"],
            cpu=None,
            p50=side["latency_ns"]["p50"] / 1000,
            p99=side["latency_ns"]["p99"] / 1000,
            counters={
                "notifications to pvbackd": job["notifies_sent"] / requests,
                "notifications to guest": job["events_received"] / requests,
            },
        )
    except (ValueError, LookupError, TypeError, ZeroDivisionError) as e:
        raise BenchError(f"pvblk's output is not understood ({e!r}): {text[:300]}") from None
