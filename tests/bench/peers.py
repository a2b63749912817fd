# SPDX-License-Identifier: MIT
"""What is compared: each way to reach one image, and how it is started and loaded."""

import signal

from fio import SLACK, fio
from loadgen import parse
from peer import Peer
from proc import Server, family, run
from pvbackd import BUILD, Pvbackd, PvbackdCached, PvbackdCopy


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


class ServedBySocket(Peer):
    """A server that listens on a unix socket in the image's directory."""

    def argv(self, socket):
        raise NotImplementedError

    def start(self):
        self.socket = self.image.dir / f"{self.key}.sock"
        self.server = self.stack.enter_context(
            Server(
                self.title,
                self.argv(self.socket),
                self.image.dir / f"{self.key}.log",
                stop=self.stop,
            )
        )
        self.server.wait_for("socket", self.socket.exists)

    stop = signal.SIGTERM

    def servers(self):
        return family(self.server.proc.pid)


class NbdPeer(ServedBySocket):
    """An NBD server: one connection, fio's nbd engine on the other end."""

    def load(self, case, seconds):
        uri = f"nbd+unix:///?socket={self.socket}"
        return fio(case, seconds, "--ioengine=nbd", f"--uri={uri}")


class Nbdkit(NbdPeer):
    """
    The file plugin. It has no O_DIRECT; what keeps nothing in the page cache is its way to
    read from the storage each time, as the others do.
    """

    key = "nbdkit"
    title = "nbdkit file, NBD"
    needs = {"fio": "fio", "nbdkit": "nbdkit"}
    direct = ("cache=none", "fadvise=random")

    def argv(self, socket):
        options = self.direct if self.image.direct and not self.image.in_memory else ()
        return ["nbdkit", "--foreground", "--unix", socket, "file", self.image.path, *options]


class NbdkitCached(Nbdkit):
    """The file plugin as it is by default, its image not in the page cache at first."""

    key = "nbdkit-cached"
    title = "nbdkit file, NBD, page cache"
    direct = ()
    on_disk_only = True

    def load(self, case, seconds):
        self.image.forget()
        return super().load(case, seconds)


def node(image, driver="file", **options):
    """QEMU's words for the image; its way to have a comma in a value is to double it."""
    name = str(image.path).replace(",", ",,")
    direct = "on" if image.direct else "off"
    # On tmpfs the former does at once what the latter hands to another thread.
    aio = "native" if image.in_memory and image.direct else "io_uring"
    # Not locked, as the others have it open.
    options = {"driver": driver, "filename": name, "aio": aio, "cache.direct": direct,
               "locking": "off"} | options
    return ",".join(f"{k}={v}" for k, v in options.items())


class QemuNbd(NbdPeer):
    key = "qemu-nbd"
    title = "qemu-nbd"
    needs = {"fio": "fio", "qemu-nbd": "qemu-utils"}

    def argv(self, socket):
        return ["qemu-nbd", "--persistent", f"--socket={socket}", "--image-opts",
                node(self.image)]


class Qsd(ServedBySocket):
    """
    qemu-storage-daemon's vhost-user-blk export, which our own small client loads. It has
    been seen not to end on SIGTERM once a client was gone.
    """

    key = "qsd"
    title = "qemu-storage-daemon, vhost-user-blk"
    needs = {"qemu-storage-daemon": "qemu-system-common"}
    stop = signal.SIGKILL

    def argv(self, socket):
        socket = str(socket).replace(",", ",,")
        return [
            "qemu-storage-daemon",
            "--blockdev",
            node(self.image) + ",node-name=image",
            "--export",
            f"type=vhost-user-blk,id=export,node-name=image,writable=on,addr.type=unix,addr.path={socket}",
        ]

    def load(self, case, seconds):
        out = run(
            [BUILD / "tests/bench/vublk", self.socket, case.rw, case.bs, case.depth,
             round(seconds * 1000)],
            seconds + SLACK,
        )
        return parse(case, out, "vublk")


PEERS = (Pvbackd, PvbackdCopy, Fio, Qsd, Nbdkit, QemuNbd, PvbackdCached, NbdkitCached)
