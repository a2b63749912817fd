# SPDX-License-Identifier: MIT
"""The figures of docs/performance.md: rendered between two markers. Pure."""

from report import BASE, LIMIT, SUBJECT, factor, machine, net_rows, number, rate_cell

BEGIN = "<!-- Written by `make bench DOCS=1` from here -->"
END = "<!-- to here -->"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for r in rows:
        yield "| " + " | ".join(r) + " |"


def goal_table(rows):
    return table(
        ("goal", "value", "must", "aim", "limit", ""),
        (
            (r.title, number(r.value), f"{r.must:g}", f"{r.aim:g}", number(r.limit, ""), r.verdict)
            for r in rows
        ),
    )


def cell(f, case):
    """The rate, and where there is one its ratio to fio and the CPU for it."""
    out = rate_cell(f, case["unit"])
    if "ratio_to_" + BASE in f:
        out += f" ({factor(f['ratio_to_' + BASE]['median'])})"
    if "server_cpu_us_per_io" in f:
        out += f" {{{f['server_cpu_us_per_io']:.1f}}}"
    return out


def store_table(doc, store):
    keys = [k for k in doc["cases"] if k in store["results"]]
    rows = []
    for peer, title in doc["peers"].items():
        found = [store["results"][k].get(peer) for k in keys]
        if not any(found):
            continue
        cells = [cell(f, doc["cases"][k]) if f else "-" for k, f in zip(keys, found)]
        rows.append([f"**{title}**" if peer == SUBJECT else title, *cells])
    heads = [f"{doc['cases'][k]['title']}, {doc['cases'][k]['unit']}" for k in keys]
    return table(["", *heads], rows)


def render(doc, goals):
    how = {True: "O_DIRECT", False: "buffered"}
    out = ["", f"    {doc['command']}", "", *(f"{line}  " for line in machine(doc)), ""]
    out += goal_table(goals)
    out += ["", LIMIT + ".", "", "![IOPS against depth, and network cards](performance.svg)", ""]
    for store in doc["stores"]:
        out += [
            f"{store['fstype']}, {how[store['direct']]}: rate (times fio) {{server CPU, us per I/O}}",
            "",
            *store_table(doc, store),
            "",
        ]
    rows = list(net_rows(doc))
    if rows:
        out += ["Network cards: rate, and how many times the peer's [in single rounds]", ""]
        out += [*table(["", f"**{SUBJECT}**", "beside", "ratio"], rows), ""]
    return "\n".join(out)


def insert(page, text):
    """The page with the text between the markers."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END}")
    return head + BEGIN + "\n" + text + "\n" + END + tail
