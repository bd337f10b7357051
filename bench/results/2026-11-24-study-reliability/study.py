"""Is AutoNEB reliable? Prints the tables of README.md and draws path-seeds.png from the reports of the runs.

    study.py TABLE.json...    one for each path seed, as `isthmus report DIR -f json` writes it; writes beside itself
"""
import csv
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def load(file):
    with open(file) as f:
        return json.load(f)["runs"][0]


def heights(run):
    """Highest training loss of every pair's path, and of its straight line."""
    found = {}
    for pair in run["pairs"]:
        if pair["status"] == "done":
            key = (pair["from"], pair["to"])
            read = lambda what: pair[what]["recomputed"]["own_maximum"]["train_loss"]
            found[key] = (read("saddle"), read("line"))
    return found


def curves(run):
    """{method: {pair: highest training loss}} of every way that the run knows, AutoNEB first."""
    return {way["method"]: {(p["from"], p["to"]): p["highest"]["recomputed"]["own_maximum"]["train_loss"] for p in way["pairs"]}
            for way in run["other_ways"]}


def mean(values):
    return f"{statistics.mean(values):.5f} ± {statistics.stdev(values):.5f}"


def main(files):
    runs = [load(file) for file in files]
    seeds = [heights(run) for run in runs]
    pairs = sorted(set.intersection(*(set(seed) for seed in seeds)))
    rows = [(pair, [seed[pair][0] for seed in seeds], seeds[0][pair][1]) for pair in pairs]
    print(f"{len(pairs)} pairs, {len(seeds)} path seeds; highest training loss of the path")
    for i, seed in enumerate(seeds):
        values = [seed[pair][0] for pair in pairs]
        print(f"seed {i + 1}: {mean(values)}, median {statistics.median(values):.5f}, max {max(values):.5f}")
    print("largest over smallest of a pair: median %.2f, max %.2f" % (
        statistics.median(max(v) / min(v) for _, v, _ in rows), max(max(v) / min(v) for _, v, _ in rows)))
    within = statistics.mean(statistics.variance(v) for _, v, _ in rows) ** 0.5
    between = statistics.stdev(statistics.mean(v) for _, v, _ in rows)
    print(f"deviation between seeds of one pair {within:.5f}, between the pairs' means {between:.5f}")
    print("straight line over the worst seed: at least %.0f times" % min(line / max(v) for _, v, line in rows))

    ways = [curves(run) for run in runs]
    for i, (seed, way) in enumerate(zip(seeds, ways)):
        lowest = {name: sum(min(way, key=lambda w: way[w][pair]) == name for pair in pairs) for name in way}
        print(f"lowest of all ways, seed {i + 1}:", ", ".join(f"{name} {n}/{len(pairs)}" for name, n in lowest.items()))
        for name in ("matching", "polychain", "bezier"):
            values = [way[name][pair] for pair in pairs]
            beaten = sum(seed[pair][0] < way[name][pair] for pair in pairs)
            print(f"seed {i + 1}: {name} {mean(values)}, max {max(values):.5f}; AutoNEB below it on {beaten}/{len(pairs)}")
    for name in ("polychain", "bezier"):
        variances = [statistics.variance(way[name][pair] for way in ways) for pair in pairs]
        between = statistics.stdev(statistics.mean(way[name][pair] for way in ways) for pair in pairs)
        ratios = [max(v) / min(v) for v in ([way[name][pair] for way in ways] for pair in pairs)]
        print(f"{name}: deviation between seeds of one pair {statistics.mean(variances) ** 0.5:.5f}, between the pairs' means"
              f" {between:.5f}; largest over smallest of a pair: median {statistics.median(ratios):.2f}, max {max(ratios):.2f}")

    with open(os.path.join(HERE, "path-seeds.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        names = list(ways[0])
        out.writerow(["pair"] + [f"{name}_seed_{i + 1}" for name in names for i in range(len(seeds))])
        for pair, _, _ in rows:
            out.writerow([f"{pair[0]}-{pair[1]}"] + [way[name][pair] for name in names for way in ways])
    draw(rows, ways)


def draw(rows, ways):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = sorted(rows, key=lambda row: statistics.mean(row[1]))
    figure, axes = plt.subplots(figsize=(8.6, 4.2), layout="constrained")
    for shift, method, mark, colour, label in ((-0.2, "autoneb", "D", "#0b5fa5", "AutoNEB"),
                                               (0.0, "polychain", "s", "#1a7f5a", "one-bend polychain"),
                                               (0.2, "bezier", "o", "#1c2024", "Bezier curve")):
        for x, (pair, _, _) in enumerate(rows):
            values = [way[method][pair] for way in ways]
            axes.plot([x + shift] * 2, [min(values), max(values)], color=colour, linewidth=1.2, zorder=2)
            axes.plot([x + shift] * len(values), values, mark, color=colour, markersize=4, zorder=3,
                      markerfacecolor=colour if method == "autoneb" else "white",
                      label=f"{label}, one mark per seed" if x == 0 else None)
    axes.set_yscale("log")
    axes.set_xticks(range(len(rows)), [f"{a}-{b}" for (a, b), _, _ in rows], rotation=60, fontsize=8)
    axes.set_xlabel("Pair of minima, by AutoNEB's mean")
    axes.set_ylabel("Highest training loss (recomputed statistics)")
    axes.grid(axis="y", which="both", color="#e4e6e9", linewidth=0.7)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    figure.savefig(os.path.join(HERE, "path-seeds.png"), dpi=150)


if __name__ == "__main__":
    main(sys.argv[1:])
