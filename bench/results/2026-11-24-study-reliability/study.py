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

    ways = {}
    for way in runs[0]["other_ways"] or []:
        ways[way["method"]] = {(p["from"], p["to"]): p["highest"]["recomputed"]["own_maximum"]["train_loss"]
                               for p in way["pairs"]}
    if ways:
        lowest = {way: sum(min(ways, key=lambda w: ways[w][pair]) == way for pair in pairs) for way in ways}
        print("lowest of all ways, seed 1:", ", ".join(f"{way} {n}/{len(pairs)}" for way, n in lowest.items()))
        for i, seed in enumerate(seeds):
            beaten = sum(seed[pair][0] < ways["polychain"][pair] for pair in pairs)
            print(f"AutoNEB (seed {i + 1}) below the polychain: {beaten}/{len(pairs)}")

    with open(os.path.join(HERE, "path-seeds.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["pair"] + [f"autoneb_seed_{i + 1}" for i in range(len(seeds))] + list(ways)[1:])
        for pair, values, _ in rows:
            out.writerow([f"{pair[0]}-{pair[1]}"] + values + [ways[w][pair] for w in list(ways)[1:]])
    draw(rows, ways)


def draw(rows, ways):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = sorted(rows, key=lambda row: statistics.mean(row[1]))
    figure, axes = plt.subplots(figsize=(8.6, 4.2), layout="constrained")
    for x, (pair, values, _) in enumerate(rows):
        axes.plot([x, x], [min(values), max(values)], color="#0b5fa5", linewidth=1.4, zorder=2)
        axes.plot([x] * len(values), values, "D", color="#0b5fa5", markersize=5, zorder=3,
                  label="AutoNEB, one mark per path seed" if x == 0 else None)
        for method, mark, colour, label in (("polychain", "s", "#1a7f5a", "one-bend polychain"),
                                            ("bezier", "o", "#1c2024", "Bezier curve")):
            if method in ways:
                axes.plot([x], [ways[method][pair]], mark, markerfacecolor="white", color=colour, markersize=5,
                          label=label if x == 0 else None)
    axes.set_yscale("log")
    axes.set_xticks(range(len(rows)), [f"{a}-{b}" for (a, b), _, _ in rows], rotation=60, fontsize=8)
    axes.set_xlabel("Pair of minima, by AutoNEB's mean")
    axes.set_ylabel("Highest training loss (recomputed statistics)")
    axes.grid(axis="y", which="both", color="#e4e6e9", linewidth=0.7)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(os.path.join(HERE, "path-seeds.png"), dpi=150)


if __name__ == "__main__":
    main(sys.argv[1:])
