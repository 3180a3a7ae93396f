"""From build/bench/results.json: the tables between the markers of docs/benchmarks.md, and docs/bench_*.svg.

/usr/bin/python3 report.py RESULTS.json DOCS_FOLDER
"""
import pathlib
import statistics
import sys

import bars
import contenders
import results
import svg

ORDER = ["cairn_f32", "cairn_bf16", "cairn_int8", "ort_f32", "ort_int8", "torch_f32", "torch_script", "torch_bf16",
         "opencv_f32"]
NAMES = {"cairn_f32": "Cairn f32", "cairn_bf16": "Cairn bf16", "cairn_int8": "Cairn int8", "ort_f32": "ONNX Runtime f32",
         "ort_int8": "ONNX Runtime int8", "torch_f32": "PyTorch f32", "torch_script": "PyTorch TorchScript",
         "torch_bf16": "PyTorch bf16", "opencv_f32": "OpenCV DNN f32"}
PRODUCTS = {"ort": "ONNX Runtime", "torch": "PyTorch", "opencv": "OpenCV"}


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def with_bar(ratio, bar, counts):
    """A ratio beside its bar: bold where it is met."""
    text = f"{ratio:.2f}"
    if bar is None:
        return text
    if ratio >= bar:
        text = f"**{text}**"
    return f"{text} (≥ {bar:g})" if counts else f"{text} ({bar:g})"


def machines(entries, threads="one thread each"):
    """One line for all entries, or one each where they differ."""
    lines = []
    for entry in entries:
        m = entry["machine"]
        lines.append(f"{m['cpu']}, {m['cores']} cores, {', '.join(m['flags']) or 'no vector extensions'}")
    loads = [entry["machine"]["load"] for entry in entries]
    dates = sorted({entry["machine"]["date"] for entry in entries})
    commits = list(dict.fromkeys(entry["machine"]["commit"] for entry in entries))
    return (f"{'; '.join(dict.fromkeys(lines))}; {threads}; load when they began {min(loads):.1f} to {max(loads):.1f}; "
            f"{', '.join(dates)}; {'commit' if len(commits) == 1 else 'commits'} {', '.join(commits)}.")


def versions(entries):
    found = {}
    for entry in entries:
        for name, told in entry["contenders"].items():
            product = PRODUCTS.get(name.split("_")[0])
            if product and "version" in told:
                found[product] = told["version"]
    return ", ".join(f"{product} {version}" for product, version in found.items())


def skipped(entries):
    """One line a reason, with whom and what it concerns."""
    reasons = {}
    for entry in entries:
        for name, told in entry["contenders"].items():
            if "skip" in told:
                reasons.setdefault((NAMES[name], told["skip"]), []).append(entry["title"])
    return "\n".join(f"- {name}, {', '.join(titles)}: left out: {reason}" for (name, reason), titles in reasons.items())


def in_order(topic):
    """Networks in the order of the bars, others behind."""
    order = list(bars.EMBEDDING)
    return dict(sorted(topic.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def embedding_report(topic):
    topic = in_order(topic)
    entries = list(topic.values())
    shown = [n for n in ORDER if any("ratio" in e["contenders"].get(n, {}) for e in entries)]
    counts = all(bars.applies(bars.EMBEDDING_NEEDS, e["machine"]) for e in entries)
    rows = []
    for key, entry in topic.items():
        row = [entry["title"]]
        for name in shown:
            told = entry["contenders"].get(name, {})
            if "ratio" not in told:
                row.append("–")
            elif name == "ort_f32":
                row.append(f"{told['rate']:.1f}/s")
            else:
                precision = name.split("_")[1] if name.startswith("cairn") else None
                row.append(with_bar(told["ratio"], bars.EMBEDDING.get(key, {}).get(precision), counts))
        rows.append(row)
    parts = [table(["network", *[NAMES[n] for n in shown]], rows),
             f"{machines(entries)} {versions(entries)}. Numbers are ratios to ONNX Runtime's f32 rate of the same round, "
             f"medians of {min(e['rounds'] for e in entries)} rounds; in brackets the bar, met where bold."]
    if not counts:
        parts.append(f"**This machine has no {bars.EMBEDDING_NEEDS}: the bars of this table need it and do not apply here.** "
                     "They are set for processors that multiply bfloat16 at 8 times and 8-bit numbers at 16 times the "
                     "rate of float32; AVX-512 does so at 2 and 4 times.")
    parts.append(skipped(entries))
    return "\n\n".join(part for part in parts if part)


def embedding_chart(topic):
    topic = in_order(topic)
    groups = []
    for key, entry in topic.items():
        group = []
        for name in ORDER:
            told = entry["contenders"].get(name, {})
            if "ratio" in told and name != "ort_f32":
                ours = name.startswith("cairn")
                goal = bars.EMBEDDING.get(key, {}).get(name.split("_")[1]) if ours else None
                group.append((NAMES[name], told["ratio"], goal, ours))
        groups.append((entry["title"], group))
    entries = list(topic.values())
    note = f"{entries[0]['machine']['cpu']}, one thread each, in turns; red: the goal"
    if not all(bars.applies(bars.EMBEDDING_NEEDS, e["machine"]) for e in entries):
        note += f", which needs {bars.EMBEDDING_NEEDS} (not here)"
    return svg.chart("Images a second, times ONNX Runtime f32", note, groups)


def in_time(its, than):
    """Median, least and greatest over the rounds of how many times faster the first is; both in time."""
    return contenders.ratios(than, its)


SEARCHES = {"one": "one query", "batch": "batch of {batch_size}"}


def search_rows(entry):
    """What, ratio to faiss or None, bar, share of the plain read."""
    for key, title in SEARCHES.items():
        times = entry[key]
        ours, reading, theirs = times["cairn"], times["reading the index"], times.get("faiss flat")
        yield (title.format(**entry), in_time(ours, theirs) if theirs else None, bars.EXACT_SEARCH[key],
               in_time(ours, reading)["ratio"] if key == "one" else None, ours, theirs)


GRAPH_BASE = "hnswlib"


def graph_rows(entry):
    """What, ratios of rate and memory to hnswlib or None, what was told of it."""
    base = entry["contenders"].get(GRAPH_BASE)
    for name, told in entry["contenders"].items():
        rate = in_time(told["milliseconds"], base["milliseconds"])["ratio"] * told["queries"] / base["queries"] if base else None
        yield name, rate, told["bytes"] / base["bytes"] if base else None, told


def graph_report(entry):
    rows = []
    for name, rate, memory, told in graph_rows(entry):
        ours = name == "Cairn"
        per_second = told["queries"] * 1000 / statistics.median(told["milliseconds"])
        small = f"{memory:.2f}" if memory is not None else "–"
        if ours and memory is not None:
            small = (f"**{small}**" if memory <= bars.HNSW_MEMORY else small) + f" (≤ {bars.HNSW_MEMORY:g})"
        rows.append([name, told["setting"], f"{told['recall']:.4f}", f"{per_second:.0f}",
                     with_bar(rate, bars.HNSW_RATE if ours else None, True) if rate is not None else "–",
                     f"{told['bytes'] / 1e6:.0f} MB", small])
    return "\n\n".join([
        f"Approximate, {entry['title']}:",
        table(["", "setting", "recall@10", "queries/s", f"times {GRAPH_BASE}", "memory", f"of {GRAPH_BASE}'s"], rows),
        f"{machines([entry])} Medians of {entry['rounds']} rounds in turns. In brackets the bars, met where bold."])


def search_report(topic):
    return "\n\n".join(part(topic[name]) for name, part in (("exact", exact_report), ("graph", graph_report)) if name in topic)


def exact_report(entry):
    rows = []
    for title, ratio, bar, share, ours, theirs in search_rows(entry):
        rows.append([title, f"{statistics.median(ours):.1f} ms", f"{statistics.median(theirs):.1f} ms" if theirs else "–",
                     f"{with_bar(ratio['ratio'], bar, True)}, {ratio['low']:.1f} to {ratio['high']:.1f}" if ratio else "–",
                     with_bar(share, bars.BANDWIDTH, True) if share else "–"])
    read = entry["gigabytes"] * 1000 / statistics.median(entry["one"]["reading the index"])
    parts = [f"Exact, {entry['title']}:",
             table(["", "Cairn, `search.cairn`", "faiss flat", "ratio", "share of a plain read of the file"], rows),
             f"{machines([entry])} faiss {entry.get('faiss', 'is not here: left out')}. Medians of {entry['rounds']} rounds in turns; "
             f"the plain read of the {entry['gigabytes']:.2f} GB runs at {read:.0f} GB/s; opening takes {entry['opening_ms']:.2f} ms. "
             "In brackets the bars, met where bold."]
    return "\n\n".join(parts)


def search_chart(topic):
    groups = []
    if "exact" in topic:
        groups += [(f"exact, {topic['exact']['title']}, {title}: times faiss flat",
                    [("Cairn", ratio["ratio"], bar, True), ("faiss flat", 1, None, False)])
                   for title, ratio, bar, *_ in search_rows(topic["exact"]) if ratio]
    if "graph" in topic:
        groups.append((f"approximate, {topic['graph']['title']}: times {GRAPH_BASE}",
                       [(name, rate, bars.HNSW_RATE if name == "Cairn" else None, name == "Cairn")
                        for name, rate, _, _ in graph_rows(topic["graph"]) if rate is not None]))
    entry = next(iter(topic.values()))
    return svg.chart("Queries a second", f"{entry['machine']['cpu']}, one thread each, in turns; red: the goal", groups)


def whole_report(topic):
    rows = [[e["title"], f"{e['whole']:.1f}", f"{e['alone']:.1f}", f"{e['together']:.1f}",
             f"{with_bar(e['ratio'], bars.WHOLE_RUN, True)}, {e['low']:.2f} to {e['high']:.2f}",
             f"{e['together'] / (e['alone'] * e['machine']['cores']):.2f}", f"{e['of_together']:.2f}"]
            for e in topic.values()]
    entries = list(topic.values())
    return "\n\n".join([
        table(["", "whole runs, photos/s", "the network alone, one core", "all cores at once", "share of one core times the cores",
               "its ceiling: all cores at once over that", "of all cores at once"], rows),
        f"{machines(entries, 'all cores')} Medians of {min(e['rounds'] for e in entries)} rounds in turns; runs of "
        f"{min(e['photos'] for e in entries)} to {max(e['photos'] for e in entries)} photos, from the start of the program to its end. "
        "In brackets the bar, met where bold."])


def whole_chart(topic):
    entry = next(iter(topic.values()))
    groups = [(e["title"], [("JPEG to embedding", e["ratio"], bars.WHOLE_RUN, True)]) for e in topic.values()]
    return svg.chart("Whole runs, of the network alone on one core times the cores",
                     f"{entry['machine']['cpu']}, {entry['machine']['cores']} cores; red: the goal", groups)


# Topic: text, chart.
TOPICS = {"embedding": (embedding_report, embedding_chart), "whole": (whole_report, whole_chart),
          "search": (search_report, search_chart)}


def between_markers(text, topic, new):
    """Puts the text between <!-- bench:topic --> and <!-- /bench:topic -->."""
    begin, end = f"<!-- bench:{topic} -->", f"<!-- /bench:{topic} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        sys.exit(f"report: the page has no {begin} … {end}")
    return f"{head}{begin}\n\n{new}\n\n{end}{tail}"


def write(measured, docs):
    page = docs / "benchmarks.md"
    text = page.read_text()
    for topic, (report, chart) in TOPICS.items():
        if topic in measured:
            (docs / f"bench_{topic}.svg").write_text(chart(measured[topic]))
            text = between_markers(text, topic, f"{report(measured[topic])}\n\n![{topic}](bench_{topic}.svg)")
    page.write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: report.py RESULTS.json DOCS_FOLDER")
    write(results.load(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))
