#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Frames whose Toeplitz hash is known, and whether they came where it says.

hash.py send INTERFACE ROUND MAC      send those of a round, from a raw socket
hash.py check FILE ROUND MAPPING      what `pvnet dump` has printed of them; 1 while some are
                                      missing, 2 if one is wrong
hash.py plain FILE ROUND              the same, of a guest that has nothing hashed

The hash is made bit by bit from the definition: nothing is shared with what is tested.
"""
import json
import random
import socket
import struct
import sys

COUNT = 120
MAGIC = b"HASH"
KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4"
                    "77cb2da38030f20c6a42b73bbeac01fa")
IPV4, IPV4_TCP, IPV6, IPV6_TCP = range(4)


def toeplitz(data):
    key = int.from_bytes(KEY, "big")
    result = 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            result ^= key >> (len(KEY) * 8 - 32 - i) & 0xFFFFFFFF
    return result


def ipv4(proto, src, dst, rest, options=b"", fragment=0):
    size = 20 + len(options)
    return struct.pack("!BBHHHBBH4s4s", 4 << 4 | size // 4, 0, size + len(rest), 7, fragment,
                       64, proto, 0, src, dst) + options + rest


def ipv6(following, src, dst, rest):
    return struct.pack("!IHBB16s16s", 6 << 28, len(rest), following, 64, src, dst) + rest


def frame(index, seed):
    """(type and what follows it, hash type or None, what is hashed)"""
    r = random.Random(seed * COUNT + index)
    s4, d4, s6, d6 = (bytes(r.randrange(256) for _ in range(n)) for n in (4, 4, 16, 16))
    ports = struct.pack("!HH", r.randrange(65536), r.randrange(65536))
    mark = MAGIC + struct.pack("!HH", seed, index)
    tcp = ports + bytes(8) + b"\x50" + bytes(7) + mark
    udp = ports + struct.pack("!HH", 8 + len(mark), 0) + mark
    v4 = (IPV4, s4 + d4)
    kinds = [
        (0x0800, ipv4(6, s4, d4, tcp), IPV4_TCP, s4 + d4 + ports),
        (0x86DD, ipv6(6, s6, d6, tcp), IPV6_TCP, s6 + d6 + ports),
        (0x0800, ipv4(17, s4, d4, udp), *v4),
        (0x86DD, ipv6(17, s6, d6, udp), IPV6, s6 + d6),
        (0x0800, ipv4(6, s4, d4, tcp, options=b"\x01" * 8), IPV4_TCP, s4 + d4 + ports),
        # The first part of a packet, a later one: their ports are not looked at.
        (0x0800, ipv4(6, s4, d4, tcp, fragment=0x2000), *v4),
        (0x0800, ipv4(6, s4, d4, tcp, fragment=0x0010), *v4),
        (0x86DD, ipv6(0, s6, d6, b"\x06" + bytes(7) + tcp), IPV6, s6 + d6),
        (0x0800, ipv4(6, s4, d4, mark, options=bytes(40)), IPV4_TCP, s4 + d4 + mark[:4]),
        (0x0806, tcp, None, b""),
        (0x8100, b"\x00\x05\x08\x00" + ipv4(6, s4, d4, tcp), IPV4_TCP, s4 + d4 + ports),
        (0x88A8, b"\x00\x05\x86\xdd" + ipv6(17, s6, d6, udp), IPV6, s6 + d6),
        (0x8100, b"\x00\x05\x81\x00\x00\x06\x08\x00" + ipv4(6, s4, d4, tcp), None, b""),
        (0x0800, b"\x55" + ipv4(6, s4, d4, tcp)[1:], None, b""),
        (0x0800, b"\x44" + ipv4(6, s4, d4, tcp)[1:], None, b""),
    ]
    kind, rest, htype, data = kinds[index % len(kinds)]
    return struct.pack("!H", kind) + rest, htype, data


def send(interface, seed, mac):
    to = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        for i in range(COUNT):
            data = to + b"\x02\x00\x00\x00\x00\x01" + frame(i, seed)[0]
            s.send(data.ljust(60, b"\x00"))


def seen(file, seed):
    """By index: what came of a round."""
    found = {}
    for line in open(file, encoding="ascii"):
        if not line.endswith("\n"):
            break
        f = json.loads(line)
        head = bytes.fromhex(f["head"])
        at = head.find(MAGIC)
        if at >= 0 and struct.unpack_from("!H", head, at + 4)[0] == seed:
            found.setdefault(struct.unpack_from("!H", head, at + 6)[0], []).append(f)
    return found


def check(file, seed, mapping):
    found = seen(file, seed)
    queues = [int(q) for q in mapping.split(",")]
    if len(found) < COUNT:
        print(f"{len(found)} of {COUNT} frames")
        return 1
    for i, came in found.items():
        _, htype, data = frame(i, seed)
        value = toeplitz(data)
        want = {"queue": queues[value % len(queues)]}
        if htype is not None:
            want.update(hash_type=htype, hash=value)
        is_so = {k: v for k, v in came[0].items() if k not in ("length", "head")}
        if len(came) > 1 or is_so != want:
            print(f"frame {i}: {came}, wanted {want}")
            return 2
    used = len({f[0]["queue"] for f in found.values()})
    print(f"{COUNT} frames on {used} queues")
    return 0


def plain(file, seed):
    found = seen(file, seed)
    if len(found) < COUNT:
        print(f"{len(found)} of {COUNT} frames")
        return 1
    told = [f for came in found.values() for f in came if "hash" in f]
    print(f"{len(told)} with a hash, queues {sorted({f[0]['queue'] for f in found.values()})}")
    return 2 if told else 0


def main():
    what, name, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "send":
        return send(name, seed, sys.argv[4])
    if what == "plain":
        return plain(name, seed)
    return check(name, seed, sys.argv[4])


sys.exit(main())
