# SPDX-License-Identifier: MIT
"""The report as a picture: a panel for each case, a bar for each peer. Pure."""

from xml.sax.saxutils import escape

from report import SUBJECT, quantity

WIDTH = 720
LABEL = 190
FIGURE = 90
BAR = 16
STEP = 22
HEAD = 30
OURS = "#c2410c"
THEIRS = "#64748b"


def text(x, y, s, anchor="start", weight="normal"):
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(s)}</text>'
    )


def panel(doc, case, results, y):
    """One case; bars are as long as the medians, the best fills the width."""
    peers = [(p, title) for p, title in doc["peers"].items() if p in results]
    best = max(results[p]["rate"]["median"] for p, _ in peers)
    out = [text(0, y + 18, f"{case['title']}, {case['unit']}", weight="bold")]
    y += HEAD
    for peer, title in peers:
        rate = results[peer]["rate"]["median"]
        width = rate / best * (WIDTH - LABEL - FIGURE)
        colour = OURS if peer == SUBJECT else THEIRS
        out += [
            text(LABEL - 8, y + 12, title, "end"),
            f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
            text(LABEL + round(width) + 6, y + 12, quantity(rate)),
        ]
        y += STEP
    return out, y + 8


def svg(doc):
    """A file of its own, on a white ground, readable in light and dark pages."""
    body = []
    y = 10
    for store in doc["stores"]:
        how = "O_DIRECT" if store["direct"] else "buffered"
        body.append(text(0, y + 16, f"One file on {store['fstype']}, {how}", weight="bold"))
        y += 26
        for key, results in store["results"].items():
            lines, y = panel(doc, doc["cases"][key], results, y)
            body += lines
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 {WIDTH + 24} {y}" '
            'font-family="sans-serif" font-size="12" fill="#111">',
            f'<rect x="-12" width="{WIDTH + 24}" height="{y}" fill="#fff"/>',
            *body,
            "</svg>\n",
        ]
    )
