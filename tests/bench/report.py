# SPDX-License-Identifier: MIT
"""Samples to figures, figures to text. Pure: no clock, no files."""

from statistics import median

# What ratios are taken of: everyone to BASE, and SUBJECT to everyone else.
BASE = "fio"
SUBJECT = "pvbackd"

LABEL = 42
CELL = 19


def spread(values):
    """Median, least and greatest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def ratios(a, b):
    """
    Per-round ratios of two lists of rates, as a spread. Round i of both ran one after the
    other, so that what else the machine did weighs on both; hence ratios first, then the
    median, and never the ratio of medians.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} rounds against {len(b)}")
    return spread([x / y for x, y in zip(a, b)])


def figures(case, samples):
    """What one peer did in one case: a list of Samples, one a round."""
    out = {
        "rate": spread([s.rate(case) for s in samples]),
        "rounds": [s.rate(case) for s in samples],
        "p50_us": median(s.p50 for s in samples),
        "p99_us": median(s.p99 for s in samples),
    }
    if all(s.cpu is not None for s in samples):
        out["cpu_rounds"] = [s.cpu / s.ios * 1e6 for s in samples]
        out["server_cpu_us_per_io"] = median(out["cpu_rounds"])
    names = samples[0].counters
    out["counters"] = {n: median(s.counters[n] for s in samples) for n in names}
    return out


def compare(case, by_peer):
    """Figures of all peers in one case, with the ratios between them."""
    out = {peer: figures(case, samples) for peer, samples in by_peer.items()}
    for peer, f in out.items():
        if BASE in out and peer != BASE:
            f["ratio_to_" + BASE] = ratios(f["rounds"], out[BASE]["rounds"])
        if BASE in out and peer not in (SUBJECT, BASE):
            f[BASE + "_ratio"] = ratios(out[BASE]["rounds"], f["rounds"])
        if SUBJECT in out and peer not in (SUBJECT, BASE):
            f[SUBJECT + "_ratio"] = ratios(out[SUBJECT]["rounds"], f["rounds"])
            if "cpu_rounds" in out[SUBJECT] and all(f.get("cpu_rounds", [0])):
                f[SUBJECT + "_cpu_ratio"] = ratios(out[SUBJECT]["cpu_rounds"], f["cpu_rounds"])
    return out


def quantity(x):
    """Three digits: 9.31k, 93.1k, 931k, 1.20M; below 1000 as it is."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if x >= unit * 0.9995:
            return factor(x / unit) + name
    return f"{x:.0f}"


def rate_cell(f, unit):
    if unit == "IOPS":
        return quantity(f["rate"]["median"])
    return f"{f['rate']['median']:.0f}"


def factor(x):
    """Three digits at least: 0.031, 0.75, 12.3, 1160."""
    digits = 3 if 0 < x < 0.1 else 2 if x < 9.995 else 1 if x < 99.95 else 0
    return f"{x:.{digits}f}"


def number(x, none="-"):
    return none if x is None else factor(x)


def ratio_cell(r):
    return f"{factor(r['median'])} [{factor(r['min'])}..{factor(r['max'])}]"


def row(label, cells):
    return (f"  {label:<{LABEL}}" + "".join(f" {c:>{CELL}}" for c in cells)).rstrip()


def block(doc, store, keys, heading, cell):
    """Rows of peers under a heading; cell(figures, case) is None where there is no value."""
    rows = []
    for peer, title in doc["peers"].items():
        cells = []
        for key in keys:
            f = store["results"].get(key, {}).get(peer)
            cells.append(cell(f, doc["cases"][key]) if f else None)
        if any(c is not None for c in cells):
            rows.append(row(title, ["-" if c is None else c for c in cells]))
    return [heading, *rows, ""] if rows else []


def optional(key, form):
    """A cell for figures that not every peer has."""
    return lambda f, case: form(f[key]) if key in f else None


def per_request_block(doc, store, keys):
    """What was counted of a request, a row each."""
    rows = []
    for peer, title in doc["peers"].items():
        by_case = [store["results"].get(k, {}).get(peer, {}) for k in keys]
        names = dict.fromkeys(n for f in by_case for n in f.get("counters", {}))
        for name in names:
            values = [f.get("counters", {}).get(name) for f in by_case]
            if name != "requests":
                cells = ["-" if v is None else f"{v:.3f}" for v in values]
                rows.append(row(f"{title}: {name}", cells))
    return ["per request", *rows, ""] if rows else []


def titles(doc, keys):
    return [row("", [doc["cases"][k][field] for k in keys]) for field in ("title", "unit")]


def store_block(doc, store):
    how = "O_DIRECT" if store["direct"] else "buffered"
    keys = [k for k, c in doc["cases"].items() if not c["brief"] and k in store["results"]]
    sweep = [k for k, c in doc["cases"].items() if c["brief"] and k in store["results"]]
    rate = ("rate", lambda f, case: rate_cell(f, case["unit"]))
    out = [
        "",
        f"{store['fstype']}, {how}, {store['mib']} MiB in {store['dir']}",
        *titles(doc, keys),
        *block(doc, store, keys, *rate),
        *block(doc, store, keys, f"x {BASE}", optional("ratio_to_" + BASE, ratio_cell)),
        *block(doc, store, keys, f"{SUBJECT} x", optional(SUBJECT + "_ratio", ratio_cell)),
        *block(
            doc,
            store,
            keys,
            "server CPU, us per I/O",
            optional("server_cpu_us_per_io", lambda v: f"{v:.1f}"),
        ),
        *per_request_block(doc, store, keys),
    ]
    if sweep:
        out += [*titles(doc, sweep), *block(doc, store, sweep, *rate)]
    return out


def machine(doc):
    """Where, when and how it was measured: a list of lines."""
    m = doc["machine"]
    return [
        f"{m['cpus']} x {m['cpu']}, Linux {m['kernel']}, load {m['load']}, {m['time']}",
        f"{doc['rounds']} rounds of {doc['seconds']:g} s a run, peers in turn;"
        " ratios: median of the rounds' ratios [min..max]",
    ]


# Below the goals.
LIMIT = (
    f"limit: of a ratio to a peer on a disk, what {BASE} on the bare file reaches in the same"
    " rounds: what the storage gives, with nobody between"
)


def goal_block(rows):
    """What had to be reached and what was."""
    width = max(len(r.title) for r in rows)
    return [
        f"{'goals':<{width}}  {'value':>7} {'must':>7} {'aim':>7} {'limit':>7}",
        *(
            f"{r.title:<{width}}  {number(r.value):>7} {r.must:>7g} {r.aim:>7g}"
            f" {number(r.limit, ''):>7}  {r.verdict}"
            for r in rows
        ),
        LIMIT,
    ]


def net_rows(doc):
    """What was measured of network cards: lists of title, ours, peer's, ratio."""

    def show(r, unit):
        return f"{quantity(r['median']) if unit == 'frames/s' else factor(r['median'])} {unit}"

    for r in doc.get("net", {}).get("results", {}).values():
        yield [
            r["title"],
            show(r["rate"], r["unit"]),
            f"{show(r['peer_rate'], r['unit'])}, {r['peer']}",
            ratio_cell(r["ratio"]),
        ]


def net_block(doc):
    why = doc.get("net", {}).get("skipped")
    rows = list(net_rows(doc))
    out = [f"SKIP network cards: {why}"] if why else []
    if rows:
        out += ["", "network cards", f"  {'':<{LABEL}} {SUBJECT:>{CELL}}  {'beside':<28} ratio"]
        out += [f"  {t:<{LABEL}} {a:>{CELL}}  {b:<28} {c}" for t, a, b, c in rows]
    return out


def table(doc):
    """The measurements as text."""
    out = [*machine(doc), *(f"SKIP {why}" for why in doc["skipped"])]
    for store in doc["stores"]:
        out += store_block(doc, store)
    out += net_block(doc)
    return "\n".join(out).rstrip() + "\n"
