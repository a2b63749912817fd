# SPDX-License-Identifier: MIT
"""
A network card beside what a TAP, a veth or a relay of TAPs can do, in network namespaces of
their own. Rounds of ours and of the peer's, in turn; a ratio is taken within a round.
"""

import json
import os
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, NamedTuple

from proc import BenchError, Server, family, run
from pvbackd import BUILD, Host, inside
from report import ratios, spread

TAPBENCH = BUILD / "tests/bench/tapbench"
NOBODY = "02:00:00:00:00:ee"
# Frames in the queue of a TAP that is emptied, and room for what the kernel says itself.
QUEUE = 100000
QUEUE_ROOM = QUEUE + 1000
SMALL = 64
LARGE = 65535
SECONDS = 1
TIMEOUT = 60
# Guest 1 has an interface that leads nowhere; 2 and 3 are on a bridge.
LONE = 1
PAIR = (2, 3)


def missing():
    """Why there can be no network here, or None."""
    if os.geteuid() != 0:
        return "network namespaces and TAPs need root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return "no network namespace can be made"
    return None


class Net:
    """The namespaces and the simulated host; a context manager."""

    def __init__(self):
        self.stack = ExitStack()
        self.prefix = f"pvbench{os.getpid()}"

    def __enter__(self):
        with self.stack:
            self.dir = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="pvb-bench.")))
            for name in ("host", "g1", "g2", "g3", "a", "b"):
                self.netns(name)
            self.bridge()
            # What waits while the worker is stopped has more bytes than may wait by default.
            self.host = Host(self.stack, "pvbackd", self.dir / "pvbackd.log", self.ns("host"),
                             settings="vif.rx-queue-bytes = 67108864\n")
            for guest in (LONE, *PAIR):
                self.host.sim("guest", str(guest), "--keep", "--detach", "--", "true")
                self.attach(guest)
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *exc):
        return self.stack.__exit__(*exc)

    def ns(self, name):
        return f"{self.prefix}-{name}"

    def ip(self, name, *argv):
        return run(["ip", "-n", self.ns(name), *argv], TIMEOUT)

    def netns(self, name):
        run(["ip", "netns", "add", self.ns(name)], TIMEOUT)
        self.stack.callback(run, ["ip", "netns", "delete", self.ns(name)], TIMEOUT)
        # Nothing but what is measured.
        run([*inside(self.ns(name)), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
             "net.ipv6.conf.default.disable_ipv6=1"], TIMEOUT)
        self.ip(name, "link", "set", "lo", "up")

    def bridge(self):
        self.ip("host", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ip("host", "link", "set", "br0", "up")

    def attach(self, guest):
        """A TAP of the guest's, without a script: we put it where it belongs."""
        self.host.sim(
            "run", "--", "vif-attach", "--wait", "--mac", self.mac(guest), str(guest),
            netns=self.ns("host"),
        )
        tap = f"vif{guest}.0"
        if guest != LONE:
            self.ip("host", "link", "set", tap, "master", "br0")
        self.ip("host", "link", "set", tap, "up", "txqueuelen", str(QUEUE_ROOM if guest == LONE else 1000))

    @staticmethod
    def mac(guest):
        return f"00:16:3e:00:00:{guest:02x}"

    def pvnet(self, guest, command, *options):
        return json.loads(
            self.host.sim("run", "--domid", str(guest), "--", "pvnet", command, *options,
                          netns=self.ns(f"g{guest}"))
        )

    def tapbench(self, *argv):
        return json.loads(run([*inside(self.ns("host")), TAPBENCH, *map(str, argv)], TIMEOUT))

    def up(self, name, device, address):
        self.ip(name, "address", "add", f"{address}/24", "dev", device)
        self.ip(name, "link", "set", device, "up")

    def iperf(self, client, server, address):
        """A second of TCP; bits/s that came."""
        log = self.dir / "iperf"
        argv = [*inside(self.ns(server)), "iperf3", "--server", "--one-off", "--forceflush"]
        with Server("iperf3", argv, log) as s:
            s.wait_for("server", lambda: "listening" in log.read_text())
            out = run([*inside(self.ns(client)), "iperf3", "--client", address, "--json",
                       "--time", str(SECONDS)], TIMEOUT)
        return json.loads(out)["end"]["sum_received"]["bits_per_second"]

    def guests(self, *options):
        """Interfaces of the two guests on the bridge, for a while."""
        stack = ExitStack()
        with ExitStack() as undo:
            for guest in PAIR:
                log = self.dir / f"eth{guest}"
                s = undo.enter_context(
                    Server(
                        "pvnet",
                        [*inside(self.ns(f"g{guest}")), BUILD / "xensim/xensim", "run", "--domid",
                         str(guest), "--", "pvnet", "tap", *options],
                        log, self.host.env,
                    )
                )
                s.wait_for("interface", lambda log=log: "eth0 is there" in log.read_text())
                self.up(f"g{guest}", "eth0", f"10.9.0.{guest}")
            stack = undo.pop_all()
        return stack

    def veth(self):
        self.ip("a", "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns",
                self.ns("b"))
        self.up("a", "veth0", "10.9.1.1")
        self.up("b", "veth0", "10.9.1.2")

    def relay(self):
        """Two TAPs and a process between them, the second one in the other namespace."""
        log = self.dir / "relay"
        s = Server("relay", [*inside(self.ns("a")), TAPBENCH, "relay", "tap0", "tap1"], log)
        self.stack.enter_context(s)
        s.wait_for("TAPs", lambda: "ready" in log.read_text())
        self.ip("a", "link", "set", "tap1", "netns", self.ns("b"))
        self.up("a", "tap0", "10.9.2.1")
        self.up("b", "tap1", "10.9.2.2")


# ---- What is measured ---------------------------------------------------------------


def rate(r):
    return r["frames"] / r["seconds"]


def gbits(r):
    return r["bytes"] * 8 / r["seconds"] / 1e9


def flood(net, size, *options):
    return net.pvnet(LONE, "flood", f"--to={NOBODY}", f"--size={size}", f"--time={SECONDS}", *options)


def flood_small(net):
    # As the peer's: no offloads.
    return flood(net, SMALL, "--udp", "--full-checksum")


def flood_large(net):
    return flood(net, LARGE, "--segment=1448")


def drain(net):
    """The worker is stopped while its TAP's queue is filled; emptying it is what counts."""
    log = net.dir / "drain"
    argv = [*inside(net.ns("g1")), BUILD / "xensim/xensim", "run", "--domid", str(LONE), "--",
            "pvnet", "drain", f"--count={QUEUE}", "--idle=5000"]
    with Server("pvnet", argv, log, net.host.env) as s:
        s.wait_for("start", lambda: "ready" in log.read_text())
        worker = next(
            p for p in family(net.host.server.proc.pid)
            if f"--domid\0{LONE}\0".encode() in Path(f"/proc/{p}/cmdline").read_bytes()
        )
        os.kill(worker, signal.SIGSTOP)
        try:
            run([*inside(net.ns("host")), TAPBENCH, "fill", f"vif{LONE}.0", str(QUEUE)], TIMEOUT)
        finally:
            os.kill(worker, signal.SIGCONT)
        try:
            s.proc.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise BenchError("pvnet drain does not end") from None
    return json.loads(log.read_text().splitlines()[-1])


class Case(NamedTuple):
    """ours and peer take a Net and return the figure; begin makes what both need."""

    key: str
    title: str
    peer_title: str
    unit: str
    ours: Callable
    peer: Callable
    begin: Callable = lambda net: ExitStack()


def tcp(net):
    return net.iperf("g2", "g3", "10.9.0.3") / 1e9


def with_veth(net):
    net.veth()
    return net.guests()


def with_relay(net):
    net.relay()
    return net.guests("--no-gso", "--no-csum")


CASES = (
    Case("tx-64", "guest to TAP, 64 B", "write()", "frames/s",
         lambda net: rate(flood_small(net)),
         lambda net: rate(net.tapbench("write", SMALL, SECONDS))),
    Case("tx-tso", "guest to TAP, 64 KiB, TSO", "writev()", "Gbit/s",
         lambda net: gbits(flood_large(net)),
         lambda net: gbits(net.tapbench("segments", LARGE, SECONDS))),
    Case("rx-64", "TAP to guest, 64 B", "read()", "frames/s",
         lambda net: rate(drain(net)),
         lambda net: rate(net.tapbench("read", QUEUE))),
    Case("tcp-tso", "TCP, guest to guest, bridge, TSO", "veth", "Gbit/s", tcp,
         lambda net: net.iperf("a", "b", "10.9.1.2") / 1e9, with_veth),
    Case("tcp-plain", "TCP, guest to guest, bridge, no offloads", "TAP relay", "Gbit/s", tcp,
         lambda net: net.iperf("a", "b", "10.9.2.2") / 1e9, with_relay),
)


def measure(rounds, progress):
    """{key: figures}, or {} with the reason in "skipped"."""
    why = missing()
    if why:
        return {"skipped": why, "results": {}}
    results = {}
    with Net() as net:
        for case in CASES:
            with case.begin(net):
                ours, peer = [], []
                for n in range(rounds):
                    progress.show(f"network, {case.title}, round {n + 1}/{rounds}")
                    ours.append(case.ours(net))
                    peer.append(case.peer(net))
            results[case.key] = {
                "title": case.title,
                "peer": case.peer_title,
                "unit": case.unit,
                "rate": spread(ours),
                "peer_rate": spread(peer),
                "ratio": ratios(ours, peer),
            }
    return {"skipped": None, "results": results}


def counts(tries=2):
    """Of a frame, under load: notifications both ways, grant copies; the best of some runs."""
    if missing():
        return {}
    found = []
    with Net() as net:
        for _ in range(tries):
            each = {}
            for name, load in (("64 B", flood_small), ("64 KiB", flood_large)):
                seen = len(net.host.log())
                job = load(net)
                frames = job["frames"]
                total = net.host.served(seen, lambda t, n=frames: t.get("tx_frames", 0) >= n)
                each[f"frame notifies, {name}"] = (total["notifies"] + job["notifies_sent"]) / frames
                each[f"frame copies, {name}"] = total["copy_calls"] / frames
            found.append(each)
    return {name: min(f[name] for f in found) for name in found[0]}
