# SPDX-License-Identifier: MIT
"""What every way to the image has in common."""

import shutil
from contextlib import ExitStack

from proc import cpu_seconds


class Peer:
    """
    One way to the image; a context manager, started by `with`.

    key, title: for JSON, for people; needs: programs, each with its Debian package;
    on_disk_only: what it is about is not there on tmpfs.
    """

    key = title = ""
    needs = {}
    on_disk_only = False

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
