# SPDX-License-Identifier: MIT
"""What is compared: each way to reach one image, and how it is started and loaded."""

from fio import fio
from peer import Peer
from proc import Server, family
from pvbackd import Pvbackd


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


PEERS = (Pvbackd, Fio, Nbdkit, QsdNbd)
