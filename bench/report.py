"""docs/benchmarks.md: a table per result, and the ratios that the bars are about."""

from collections.abc import Iterator
from typing import Any

from bench import cluster_section, plot, results, sections
from bench.programs import PROGRAMS, ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
_MARK = "<!-- Below this line scripts/bench writes. -->\n"
Figures = dict[str, Any]


def publish() -> None:
    """Write document and plots from all results that lie there."""
    told, sizes = results.read_all(), results.of_kind("sizes")
    parts = [*sections.sizes(sizes), *sections.skew(results.of_kind("skew"))]
    for result in results.of_kind("cluster"):
        parts += cluster_section.cluster(result)
    parts += (part for name, result in told.items() for part in _section(name, result))
    write(parts, plot.write(told, sizes))


def write(told: list[str], plots: list[str]) -> None:
    """Put tables and plots below the mark; what people wrote above it stays."""
    above = DOCUMENT.read_text(encoding="utf-8").partition(_MARK)[0]
    parts = [above.rstrip("\n") + "\n", _MARK, *(f"\n![{p}]({p})\n" for p in plots)]
    parts += [f"\n{part}" for part in told]
    DOCUMENT.write_text(
        "\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n", encoding="utf-8"
    )


def _section(name: str, result: Figures) -> Iterator[str]:
    shape = result["shape"]
    dials = ", ".join(f"{k} {v}" for k, v in shape.items() if v and k not in ("persons", "seed"))
    yield f"## {shape['persons']:,} persons ({name})\n"
    yield f"{dials}. {sections.around(result)}\n"
    yield _table(result["cases"]) + "\n"
    yield "\n".join(f"- {line}" for line in ratios(result["cases"])) + "\n"


def _table(cases: dict[str, Figures]) -> str:
    lines = [
        "| case | program | to commit s | to end s | cold | processor s | peak memory |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for case, programs in cases.items():
        for name, f in programs.items():
            cold = f"{f['cold']:.1f}" if "cold" in f else ""
            end = f"{f['end']:.2f}" if "end" in f else ""  # older results do not say
            lines.append(
                f"| {case} | {PROGRAMS[name].words} | {f['seconds']:.2f} | {end} | {cold}"
                f" | {f['cpu']:.1f} | {f['peak_bytes'] / 1e6:.0f} MB |"
            )
    return "\n".join(lines)


def ratios(cases: dict[str, Figures]) -> Iterator[str]:
    """The bars, each as a sentence with its number, as far as this result has what it needs."""
    for case, found in cases.items():
        scripts = {n: found[n] for n in ("duckdb-one", "duckdb-two") if n in found}
        if "sail" in found and scripts:
            best = min(scripts.values(), key=lambda f: float(f["seconds"]))
            yield (
                f"{case}: sail takes {_ratio(found['sail'], best, 'seconds')} of the better DuckDB"
                f" script's time (bar 1.0), {_ratio(found['sail'], best, 'cpu')} of its processor"
                f" time, {_ratio(found['sail'], best, 'peak_bytes')} of its memory (bar 1.5)"
            )
            if "sail-warm" in found:
                warm = _ratio(found["sail-warm"], best, "seconds")
                yield f"{case}: sail, warm, takes {warm} of that script's time (no bar)"
        if "spark" in found and "by-hand" in found:
            faster = found["by-hand"]["seconds"] / found["spark"]["seconds"]
            yield f"{case}: spark, warm, is {faster:.1f} times as fast as the job written by hand"
    for several, few, words in (
        ("cover-50", "cover-1", "50 segments take {} of the time of 1 with the same people"),
        ("fields-2", "fields-all", "2 fields take {} of the time of all"),
        ("everybody-2", "everybody-all", "everybody: 2 fields take {} of the time of all"),
    ):
        for name in (n for n in cases.get(several, {}) if n in cases.get(few, {})):
            left, right = cases[several][name], cases[few][name]
            told = f"{_ratio(left, right, 'seconds')} ({_ratio(left, right, 'cpu')} in cpu)"
            yield f"{PROGRAMS[name].words}: {words.format(told)}"


def _ratio(one: Figures, other: Figures, of: str) -> str:
    return f"{one[of] / other[of]:.2f}"
