# SPDX-License-Identifier: MIT
"""
The report as a picture: 4k random reads, IOPS against depth, a panel a store; network cards,
times their peers. Pure.
"""

from math import log2
from xml.sax.saxutils import escape

from goals import NET
from report import SUBJECT, factor, quantity

WIDTH = 720
PANEL = 260
LEFT = 60
TOP = 34
BOTTOM = 30
RIGHT = 230
GAP = 14
BAR = 28
OURS = "#c2410c"
THEIRS = ("#0f766e", "#1d4ed8", "#7c3aed", "#64748b", "#a16207")


def text(x, y, s, anchor="start", weight="normal", fill="#111"):
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}"'
        f' fill="{fill}">{escape(s)}</text>'
    )


def lines_of(doc, store):
    """Points (depth, IOPS) of each peer with more than one."""
    out = {}
    for key, results in store["results"].items():
        case = doc["cases"][key]
        if case["rw"] == "randread" and case["unit"] == "IOPS":
            for peer, f in results.items():
                out.setdefault(peer, []).append((case["depth"], f["rate"]["median"]))
    return {peer: sorted(points) for peer, points in out.items() if len(points) > 1}


def spread_labels(wanted):
    """Move labels (y, ...) down until none covers another."""
    out, last = [], float("-inf")
    for y, *rest in sorted(wanted):
        last = max(y, last + GAP)
        out.append((last, *rest))
    return out


def step(best):
    """Distance of grid lines: 1, 2 or 5 times a power of ten, four to nine of them."""
    size = 10 ** (len(str(int(best))) - 1)
    return next(s for s in (size // 5 or 1, size // 2 or 1, size, 2 * size) if best / s < 9)


def panel(doc, store, y):
    lines = lines_of(doc, store)
    how = "O_DIRECT" if store["direct"] else "buffered"
    out = [text(0, y + 18, f"4k random read, IOPS by depth; {store['fstype']}, {how}", weight="bold")]
    if not lines:
        return out
    best = max(rate for points in lines.values() for _, rate in points)
    depths = sorted({depth for points in lines.values() for depth, _ in points})
    across = (WIDTH - LEFT - RIGHT) / (log2(depths[-1] / depths[0]) or 1)
    base, height = y + PANEL - BOTTOM, PANEL - TOP - BOTTOM

    def at(depth, rate):
        return LEFT + log2(depth / depths[0]) * across, base - rate / best * height

    for depth in depths:
        out.append(text(at(depth, 0)[0], base + 16, str(depth), "middle"))
    for n in range(int(best / step(best)) + 1):
        rate = n * step(best)
        line = at(depths[0], rate)[1]
        out += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{line:.1f}" y2="{line:.1f}" stroke="#ddd"/>',
            text(LEFT - 6, line + 4, quantity(rate), "end"),
        ]
    colours = iter(THEIRS * 2)
    labels = []
    for peer, points in lines.items():
        colour = OURS if peer == SUBJECT else next(colours)
        path = " ".join("{:.1f},{:.1f}".format(*at(*p)) for p in points)
        out.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}"'
            f' stroke-width="{2.5 if peer == SUBJECT else 1.5}"/>'
        )
        labels.append((at(*points[-1])[1] + 4, doc["peers"][peer], colour))
    for label, title, colour in spread_labels(labels):
        out.append(text(WIDTH - RIGHT + 8, label, title, fill=colour))
    return out


def net_panel(doc, y):
    """A bar for each ratio, with the least and the greatest, what must be and the aim."""
    rows = [(g, r) for g, r in zip(NET, doc.get("net", {}).get("results", {}).values())]
    if not rows:
        return [], 0
    out = [text(0, y + 18, "Network cards, times the peer", weight="bold")]
    left, right = 300, WIDTH - 60
    full = max(1.2, *(r["ratio"]["max"] for _, r in rows))

    def at(x):
        return left + x / full * (right - left)

    for n, (goal, r) in enumerate(rows):
        top, ratio = y + TOP + n * BAR, r["ratio"]
        mid = top + 8
        out += [
            text(0, top + 12, f"{r['title']} / {r['peer']}"),
            f'<rect x="{left}" y="{top}" width="{at(ratio["median"]) - left:.1f}" height="16" fill="{OURS}"/>',
            f'<path d="M{at(ratio["min"]):.1f},{mid}H{at(ratio["max"]):.1f}" stroke="#111"/>',
            text(at(max(ratio["max"], goal.aim)) + 8, top + 12, factor(ratio["median"])),
        ]
        for x, colour in ((goal.must, "#64748b"), (goal.aim, "#0f766e")):
            out.append(f'<path d="M{at(x):.1f},{top - 2}v20" stroke="{colour}" stroke-width="2"/>')
    base = y + TOP + len(rows) * BAR
    out += [
        text(left, base + 8, "grey: must be reached", fill="#64748b"),
        text(left + 150, base + 8, "green: aim", fill="#0f766e"),
    ]
    return out, base + BOTTOM - y


def svg(doc):
    """A file of its own, on a white ground, readable in light and dark pages."""
    height = PANEL * len(doc["stores"])
    network, more = net_panel(doc, height)
    height += more + 10
    body = []
    for n, store in enumerate(doc["stores"]):
        body += panel(doc, store, n * PANEL)
    body += network
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 {WIDTH + 24} {height}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect x="-12" width="{WIDTH + 24}" height="{height}" fill="#fff"/>',
            *body,
            "</svg>\n",
        ]
    )
