# SPDX-License-Identifier: MIT
"""Processes: started to die with us, ended by pid, charged for the CPU they used."""

import os
import shlex
import signal
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
START_TIMEOUT = 10
STOP_TIMEOUT = 3


class BenchError(Exception):
    """Something that ends the bench, or one peer's part in it; its text is for the user."""


def command(argv):
    """A command line that is killed if the bench itself is, so that nothing stays."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]


def tail(path, lines=5):
    with open(path, encoding="utf-8", errors="replace") as f:
        return "\n".join(f.read().splitlines()[-lines:])


class Server:
    """A server in the foreground, its output in a log file; a context manager."""

    def __init__(self, name, argv, log, env=None, stop=signal.SIGTERM):
        self.name = name
        self.log = log
        self.stop = stop
        with open(log, "wb") as out:
            self.proc = subprocess.Popen(
                command(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                start_new_session=True,  # Ctrl-C is ours; we end it in order
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proc.poll() is not None:
            return
        self.proc.send_signal(self.stop)
        try:
            self.proc.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def wait_for(self, what, ready):
        """Wait until ready() is true."""
        end = time.monotonic() + START_TIMEOUT
        while not ready():
            if self.proc.poll() is not None:
                raise BenchError(
                    f"{self.name} ended with status {self.proc.returncode}:\n{tail(self.log)}"
                )
            if time.monotonic() > end:
                raise BenchError(
                    f"{self.name}: no {what} after {START_TIMEOUT} s:\n{tail(self.log)}"
                )
            time.sleep(0.01)


def run(argv, timeout, env=None):
    """
    Run to the end and return standard output; anything but success is a BenchError. The
    output goes through files: a pipe would be held open by what a command leaves running.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        try:
            r = subprocess.run(
                command(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                timeout=timeout,
                env=env,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{shlex.join(map(str, argv))}\nhas not ended in {timeout:.0f} s") from None
        out.seek(0)
        err.seek(0)
        text = out.read()
        if r.returncode != 0:
            why = (err.read().strip() or text.strip())[-600:]
            raise BenchError(f"{shlex.join(map(str, argv))}\nended with status {r.returncode}: {why}")
        return text


def stat_fields(pid):
    """Fields of /proc/PID/stat from the state on; the name before may hold anything."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rpartition(")")[2].split()


def family(pid):
    """PID and its descendants."""
    parent = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent[int(entry)] = int(stat_fields(entry)[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
    found = [pid]
    for p in found:
        found.extend(child for child, its in parent.items() if its == p)
    return found


def cpu_seconds(pids):
    """User and system time of processes, their ended threads and children included."""
    return sum(int(t) for pid in pids for t in stat_fields(pid)[11:15]) / TICK
