"""Time against size, and against the number of segments, as SVG beside docs/benchmarks.md."""

from typing import Any

from bench.programs import PROGRAMS, ROOT
from bench.shape import Shape

FOLDER = ROOT / "docs"
_SEGMENTS = {"one": 1, "three": 3, "ten": 10}
Points = dict[str, list[tuple[float, float]]]


def write(results: dict[str, dict[str, Any]], sizes: list[dict[str, Any]]) -> list[str]:
    """Draw what the results allow; gives the files' names."""
    drawn = []
    # Tables that differ by size alone: a skewed or a wide one is no point of the same line.
    plain = [r for r in results.values() if _is_plain(r["shape"])]
    same = [r for r in sizes if _is_plain(r["shape"]) and r["case"] == "three"]
    by_size = [(r["shape"]["persons"], r["programs"]) for r in same]
    by_size = by_size or [(r["shape"]["persons"], r["cases"].get("three", {})) for r in plain]
    if len(by_size) > 1:
        label = "persons (3 segments, with events)"
        seconds, bytes_ = (_lines(by_size, figure) for figure in ("seconds", "peak_bytes"))
        drawn.append(_draw(seconds, "benchmarks-size.svg", label))
        drawn.append(_draw(bytes_, "benchmarks-memory.svg", label, "bytes at the peak"))
    largest = max(plain, key=_segments_and_size, default=None)
    if largest is not None and _segments_and_size(largest)[0] > 1:
        cases = [(n, largest["cases"].get(case, {})) for case, n in _SEGMENTS.items()]
        label = f"segments ({largest['shape']['persons']:,} persons)"
        drawn.append(_draw(_lines(cases, "seconds"), "benchmarks-segments.svg", label))
    return drawn


def _is_plain(shape: dict[str, Any]) -> bool:
    return shape == Shape(shape["persons"]).as_json()


def _lines(figures: list[tuple[int, dict[str, Any]]], of: str) -> Points:
    """A line for each program; one that failed has no point there."""
    lines: Points = {}
    for x, programs in figures:
        for name, found in programs.items():
            if of in found:
                lines.setdefault(name, []).append((x, found[of]))
    return lines


def _segments_and_size(result: dict[str, Any]) -> tuple[int, int]:
    return len(_SEGMENTS.keys() & result["cases"].keys()), result["shape"]["persons"]


def _draw(lines: Points, file: str, label: str, up: str = "seconds") -> str:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "bench"  # the same picture is the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, points in lines.items():
        xs, ys = zip(*sorted(points), strict=True)
        axes.plot(xs, ys, marker="o", label=PROGRAMS[name].words)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel=up)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(FOLDER / file, metadata={"Date": None})
    plt.close(figure)
    return file
