# SPDX-License-Identifier: MIT
"""The backing file: real data in a private directory of the filesystem to be measured."""

import mmap
import os
import tempfile
from pathlib import Path

from cases import MIB
from proc import BenchError


def filesystem(path):
    """Type of the filesystem that path is on: the mount whose root is nearest."""
    best = ("", "unknown")
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            _, root, fstype, *_ = line.split()
            root = root.encode().decode("unicode_escape")
            if os.path.commonpath([path, root]) == root and len(root) >= len(best[0]):
                best = (root, fstype)
    return best[1]


def takes_direct(path):
    """Whether O_DIRECT works here; tmpfs has it since Linux 6.6."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return False
    try:
        with mmap.mmap(-1, mmap.PAGESIZE) as page:
            return os.preadv(fd, [page], 0) == mmap.PAGESIZE
    except OSError:
        return False
    finally:
        os.close(fd)


class Image:
    """
    A context manager. path, size in bytes; dir: private, also for sockets and logs;
    fstype; direct: whether everyone who can shall use O_DIRECT; in_memory: it is on tmpfs.
    """

    def __init__(self, parent, mib):
        self.parent = os.path.realpath(parent)
        self.fstype = filesystem(self.parent)
        self.in_memory = self.fstype == "tmpfs"
        self.size = mib * MIB
        if not os.path.isdir(self.parent):
            raise BenchError(f"{parent} is not a directory")
        v = os.statvfs(self.parent)
        if v.f_bavail * v.f_frsize < self.size + 64 * MIB:
            raise BenchError(f"{parent} has no room for an image of {mib} MiB: see --size")

    def __enter__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="pvb-bench.", dir=self.parent)
        try:
            self.dir = Path(self.tmp.name)
            self.path = self.dir / "image"
            self.fill()
            self.direct = takes_direct(self.path)
        except BaseException:
            self.tmp.cleanup()
            raise
        return self

    def __exit__(self, *_):
        self.tmp.cleanup()

    def fill(self):
        """Random bytes, so that no layer finds a hole or zeroes; written through."""
        with open(self.path, "wb") as f:
            for _ in range(self.size // MIB):
                f.write(os.urandom(MIB))
            f.flush()
            os.fsync(f.fileno())
        self.forget()

    def forget(self):
        """Nothing of it is in the page cache any more, as far as it was written."""
        with open(self.path, "rb") as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
