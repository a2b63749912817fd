# SPDX-License-Identifier: MIT
"""What is compared: each way to reach one image, and how it is started and loaded."""

import shutil
from contextlib import ExitStack

from fio import fio
from proc import Server, cpu_seconds, family


class Peer:
    """
    One way to the image; a context manager, started by `with`.

    key, title: for JSON, for people; needs: programs, each with its Debian package.
    """

    key = title = ""
    needs = {}

    def __init__(self, image):
        self.image = image
        self.stack = ExitStack()

    @classmethod
    def missing(cls):
        """Why this peer cannot run here, or None."""
        for program, package in cls.needs.items():
            if not shutil.which(program):
                return f"{program} is not installed (Debian package {package})"
        return None

    def __enter__(self):
        with self.stack:
            self.start()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *exc):
        return self.stack.__exit__(*exc)

    def start(self):
        """Enter servers on self.stack."""

    def load(self, case, seconds):
        """Run a case; a Sample."""
        raise NotImplementedError

    def servers(self):
        """Processes that serve the image now."""
        return []

    def measure(self, case, seconds):
        """Run a case and charge the servers for it."""
        before = cpu_seconds(self.servers())
        sample = self.load(case, seconds)
        pids = self.servers()
        return sample._replace(cpu=cpu_seconds(pids) - before if pids else None)


class Fio(Peer):
    """No server: the file as fio sees it."""

    key = "fio"
    title = "fio io_uring on the file"
    needs = {"fio": "fio"}

    def load(self, case, seconds):
        return fio(
            case,
            seconds,
            "--ioengine=io_uring",
            f"--filename={self.image.path}",
            f"--size={self.image.size}",
            f"--direct={int(self.image.direct)}",
        )


class NbdPeer(Peer):
    """An NBD server on a unix socket, one connection, fio's nbd engine on the other end."""

    def argv(self, socket):
        raise NotImplementedError

    def start(self):
        self.socket = self.image.dir / f"{self.key}.sock"
        self.server = self.stack.enter_context(
            Server(self.title, self.argv(self.socket), self.image.dir / f"{self.key}.log")
        )
        self.server.wait_for("socket", self.socket.exists)

    def load(self, case, seconds):
        uri = f"nbd+unix:///?socket={self.socket}"
        return fio(case, seconds, "--ioengine=nbd", f"--uri={uri}")

    def servers(self):
        return family(self.server.proc.pid)


class Nbdkit(NbdPeer):
    """The file plugin; it has no O_DIRECT, so on a disk it is the page cache."""

    key = "nbdkit"
    title = "nbdkit file, NBD"
    needs = {"fio": "fio", "nbdkit": "nbdkit"}

    def argv(self, socket):
        return ["nbdkit", "--foreground", "--unix", socket, "file", self.image.path]


class QsdNbd(NbdPeer):
    """
    qemu-storage-daemon; without an iothread, with which 7.2 aborts when its client leaves.
    The image is not locked, as the others have it open.
    """

    key = "qsd-nbd"
    title = "qemu-storage-daemon, NBD"
    needs = {"fio": "fio", "qemu-storage-daemon": "qemu-system-common"}

    def argv(self, socket):
        # QEMU's way to have a comma in a value is to double it.
        name, socket = (str(p).replace(",", ",,") for p in (self.image.path, socket))
        direct = "on" if self.image.direct else "off"
        return [
            "qemu-storage-daemon",
            "--blockdev",
            f"driver=file,node-name=image,filename={name},aio=io_uring,cache.direct={direct},locking=off",
            "--nbd-server",
            f"addr.type=unix,addr.path={socket}",
            "--export",
            "type=nbd,id=export,node-name=image,name=,writable=on",
        ]


PEERS = (Fio, Nbdkit, QsdNbd)
