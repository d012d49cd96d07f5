"""Time against size, and against the number of segments, as SVG beside docs/benchmarks.md."""

from typing import Any

from bench.programs import PROGRAMS, ROOT

FOLDER = ROOT / "docs"
_SEGMENTS = {"one": 1, "three": 3, "ten": 10}
Points = dict[str, list[tuple[float, float]]]


def write(results: dict[str, dict[str, Any]]) -> list[str]:
    """Draw what the results allow; gives the files' names."""
    drawn = []
    # The even tables only: a skewed one of the same size is no point of the same line.
    plain = [r for r in results.values() if not (r["shape"]["hot_events"] or r["shape"]["shared"])]
    by_size: Points = {}
    for result in plain:
        for name, figures in result["cases"].get("three", {}).items():
            by_size.setdefault(name, []).append((result["shape"]["persons"], figures["seconds"]))
    if any(len(points) > 1 for points in by_size.values()):
        drawn.append(_draw(by_size, "benchmarks-size.svg", "persons (3 segments, with events)"))
    largest = max(plain, key=_segments_and_size, default=None)
    by_number: Points = {}
    for case, number in _SEGMENTS.items():
        for name, figures in (largest or {"cases": {}})["cases"].get(case, {}).items():
            by_number.setdefault(name, []).append((number, figures["seconds"]))
    if largest is not None and any(len(points) > 1 for points in by_number.values()):
        label = f"segments ({largest['shape']['persons']:,} persons)"
        drawn.append(_draw(by_number, "benchmarks-segments.svg", label))
    return drawn


def _segments_and_size(result: dict[str, Any]) -> tuple[int, int]:
    return len(_SEGMENTS.keys() & result["cases"].keys()), result["shape"]["persons"]


def _draw(lines: Points, file: str, label: str) -> str:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "bench"  # the same picture is the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, points in lines.items():
        xs, ys = zip(*sorted(points), strict=True)
        axes.plot(xs, ys, marker="o", label=PROGRAMS[name].words)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel="seconds")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(FOLDER / file, metadata={"Date": None})
    plt.close(figure)
    return file
