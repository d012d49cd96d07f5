"""The sections of docs/benchmarks.md that are about one bar each: sizes and skew."""

from collections.abc import Iterator
from typing import Any

from bench.programs import PROGRAMS

Figures = dict[str, Any]
TENFOLD, SKEWED = 10.5, 2.0
"""The bars."""


def around(result: Figures) -> str:
    """With what and on what; the load says whether seconds can be believed."""
    load, cores = result["load"], result["machine"]["cores"]
    return (
        f"Median of {result['rounds']} rounds; {machine(result)}; load while it ran"
        f" {load['least']} to {load['most']} (above {cores} others took part of the machine: then"
        f" look at processor seconds). {versions(result)}."
    )


def machine(result: Figures) -> str:
    return f"{result['machine']['cores']} cores, {result['machine']['memory_gb']} GiB"


def versions(result: Figures) -> str:
    return ", ".join(f"{k} {v}" for k, v in result["machine"]["versions"].items())


def sizes(results: list[Figures]) -> Iterator[str]:
    """Time and memory against size."""
    if not results:
        return
    results = sorted(results, key=lambda r: (r["case"], r["shape"]["leaves"], _persons(r)))
    yield "## Sizes\n"
    last = results[-1]
    yield (
        f"Medians; {machine(last)}, Spark with a heap of {last['heap']}; `load` is the greatest"
        f" that was seen before or after. {versions(last)}.\n"
    )
    yield (
        "| case | leaves | persons | program | seconds | cold | processor s | peak memory"
        " | rounds | load |\n"
        "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|\n"
        + "\n".join(map(_size_rows, results))
        + "\n"
    )
    if told := [f"- {line}" for line in tenfold(results)]:
        yield "\n".join(told) + "\n"


def _size_rows(result: Figures) -> str:
    lead = f"| {result['case']} | {result['shape']['leaves']} | {_persons(result):,} "
    rows = []
    for name, f in result["programs"].items():
        if "failed" in f:
            told = f"failed: {_cell(f['failed'])} | | |"
        else:
            cold = f"{f['cold']:.1f}" if "cold" in f else ""
            told = f"{f['seconds']:.2f} | {cold} | {f['cpu']:.1f} | {f['peak_bytes'] / 1e6:,.0f} MB"
        rows.append(f"{lead}| {PROGRAMS[name].words} | {told} | {_when(result)} |")
    return "\n".join(rows)


def tenfold(results: list[Figures]) -> Iterator[str]:
    """What ten times the persons cost, for every two results that differ in nothing else."""
    for small in results:
        for large in results:
            alike = small["case"] == large["case"] and _persons(large) == 10 * _persons(small)
            if not alike or small["shape"]["leaves"] != large["shape"]["leaves"]:
                continue
            for name in (n for n in small["programs"] if n in large["programs"]):
                one, ten = small["programs"][name], large["programs"][name]
                lead = f"{large['case']}, {PROGRAMS[name].words}: {_persons(large):,} persons"
                if "failed" in one or "failed" in ten:
                    yield f"{lead}: failed"
                    continue
                yield (
                    f"{lead} take {ratio(ten, one, 'seconds')} of the time of"
                    f" {_persons(small):,} (bar {TENFOLD}), {ratio(ten, one, 'cpu')} of the"
                    f" processor time, {ratio(ten, one, 'peak_bytes')} of the memory"
                )


def skew(results: list[Figures]) -> Iterator[str]:
    """Skewed tables against even ones."""
    if not results:
        return
    yield "## Skew\n"
    yield (
        "Everybody is exported. `hot`: one person has far more events than its share (`hot"
        " events`), of which the export keeps 100,000; `hot-uncut`: it keeps all; `shared`: so many"
        " records have one identity, and the graph makes one person of them. The even tables have"
        f" as many rows. Medians; {machine(results[-1])}; `load` is the greatest that was seen"
        f" before or after. {versions(results[-1])}.\n"
    )
    yield (
        f"| pair | program | even s | skewed s | ratio (bar {SKEWED}) | of processor s"
        " | even memory | skewed memory | tables | rounds | load |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|---|---:|---:|\n"
        + "\n".join(line for result in results for line in _skew_rows(result))
        + "\n"
    )


def _skew_rows(result: Figures) -> Iterator[str]:
    tables = f"{dials(result['skewed']['shape'])} | {_when(result)}"
    for name, skewed in result["skewed"]["programs"].items():
        lead = f"| {result['pair']} | {PROGRAMS[name].words} "
        even = result["even"]["programs"].get(name, {"failed": "not measured"})
        if "failed" in skewed or "failed" in even:
            why = f"failed: {_cell(skewed.get('failed') or even['failed'])}"
            yield f"{lead}| | {why} | | | | | {tables} |"
            continue
        memory = " | ".join(f"{f['peak_bytes'] / 1e6:,.0f} MB" for f in (even, skewed))
        yield (
            f"{lead}| {even['seconds']:.2f} | {skewed['seconds']:.2f}"
            f" | {ratio(skewed, even, 'seconds')} | {ratio(skewed, even, 'cpu')} | {memory}"
            f" | {tables} |"
        )


def _persons(result: Figures) -> int:
    return int(result["shape"]["persons"])


def dials(shape: Figures) -> str:
    told = (f"{k} {v:,}" for k, v in shape.items() if v and k not in ("seed", "leaves"))
    return ", ".join(told).replace("_", " ")


def _when(result: Figures) -> str:
    return f"{result['rounds']} | {result['load']['most']}"


def _cell(text: str) -> str:
    return text.replace("|", "/")


def ratio(one: Figures, other: Figures, of: str) -> str:
    return f"{one[of] / other[of]:.2f}"
