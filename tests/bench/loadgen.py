# SPDX-License-Identifier: MIT
"""What pvblk and vublk report: JSON of one form."""

import json

from cases import Sample
from proc import BenchError


def parse(case, text, name):
    """The report of load generator @name as a Sample."""
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
                "requests": requests,
                "notifies to backend": job["notifies_sent"] / requests,
                "notifies to guest": job["events_received"] / requests,
            },
        )
    except (ValueError, LookupError, TypeError, ZeroDivisionError) as e:
        raise BenchError(f"{name}'s output is not understood ({e!r}): {text[:300]}") from None
