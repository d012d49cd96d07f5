"""The section of docs/benchmarks.md about one worker and two."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.sections import Figures, around, dials, ratio

TWO_WORKERS = 1.7
"""The bar."""
_BESIDE = {
    False: "nothing holds a worker's JVMs to one core while they compile and collect garbage.",
    True: "a worker's JVMs stay on its core with all they do.",
}


def cluster(result: Figures) -> Iterator[str]:
    """One worker against two."""
    found = {count: medians(runs) for count, runs in result["runs"].items()}
    pinned = ", each worker on a core of its own" if result["pinned"] else ""
    warm = ", warm" if result.get("jobs", 1) > 1 else ""
    yield f"## Two workers against one{warm}{pinned}\n"
    yield (
        f"A standalone master and workers of one core, {result['memory_mib']} MiB of heap for each"
        f" executor; {dials(result['shape'])}, case {result['case']}. {_submitted(result)}"
        " *Job*: from the first read to the last paper. The driver takes its share of the same"
        f" cores; {_BESIDE[result['pinned']]} All runs gave the same row-set hashes."
        f" {around(result)}\n"
    )
    yield (
        "| workers | submitted s | job s | job to commit s | driver's processor s"
        " | workers' processor s | workers' memory |\n|---:|---:|---:|---:|---:|---:|---:|\n"
        + "\n".join(
            f"| {count} | {f['seconds']:.2f} | {f['job']:.2f} | {f['job_to_commit']:.2f}"
            f" | {f['driver_cpu']:.1f} | {f['workers_cpu']:.1f}"
            f" | {f['workers_peak_bytes'] / 1e6:,.0f} MB |"
            for count, f in found.items()
        )
        + "\n"
    )
    one, two = found["1"], found["2"]
    yield (
        f"- two workers are {ratio(one, two, 'job')} times as fast as one by the job (bar"
        f" {TWO_WORKERS}), {ratio(one, two, 'job_to_commit')} to its commit,"
        f" {ratio(one, two, 'seconds')} from submission to end\n"
    )
    yield from _jobs_before(result["runs"])


def _jobs_before(runs: dict[str, list[Figures]]) -> Iterator[str]:
    """The jobs that a worker did before the one that counts, the first of them cold."""
    ones, twos = (
        zip(*(run.get("before", []) for run in runs[count]), strict=True) for count in ("1", "2")
    )
    for number, both in enumerate(zip(ones, twos, strict=True), 1):
        one, two = map(medians, both)
        yield (
            f"- job {number} before it: {one['job']:.2f} and {two['job']:.2f} s,"
            f" {ratio(one, two, 'job')} times as fast, {ratio(one, two, 'job_to_commit')} to its"
            " commit\n"
        )


def _submitted(result: Figures) -> str:
    jobs = result.get("jobs", 1)
    if jobs == 1:
        return "*Submitted*: from the start of `./spark-submit.sh` to its end."
    return (
        f"A worker under `./spark-submit.sh` does {jobs} exports, one after the other, and the last"
        " counts. *Submitted*: from POST to SUCCEEDED."
    )


def medians(runs: Sequence[Figures]) -> dict[str, float]:
    """The medians of a number of workers, with those of its processes beside them."""
    flat = [
        {key: run[key] for key in ("seconds", "job", "job_to_commit")}
        | {f"{who}_{key}": run[who][key] for who in ("driver", "workers") for key in run[who]}
        for run in runs
    ]
    return {key: median(run[key] for run in flat) for key in flat[0]}
