"""scripts/bench: makes the tables, measures, writes bench/results, docs/benchmarks.md and plots."""

import argparse
import sys
from pathlib import Path

from bench import report, results
from bench.cases import cases
from bench.data import build
from bench.programs import PROGRAMS, ROOT
from bench.shape import Shape
from bench.words import carried_out, measured, say

QUICK = ("one", "three", "ten", "cover-1", "cover-50", "fields-2", "fields-all")
FULL = (*QUICK, "everybody-2", "everybody-all", "order", "pdg", "pdg-order")
PROCESSES = ("sail", "duckdb-one", "duckdb-two", "floor")


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="20,000 persons, embedded engines; within 5 minutes")
    add("--persons", type=int, help="size; the full run takes 1,000,000, and hours")
    add("--rounds", type=int, default=3, help="counted runs of each program")
    add("--only", help=f"programs, by comma: {', '.join(PROGRAMS)}")
    add("--cases", help="cases, by comma: " + ", ".join(cases(Shape(1))))
    add("--leaves", type=int, default=33, help="attributes of a record: 33, 200, 600")
    add("--hot-events", type=int, default=0, help="events more, all of one person")
    add("--even-events", type=int, default=0, help="as many, spread evenly: to compare with")
    add("--shared", type=int, default=0, help="records that share one identity (case pdg)")
    add("--replaced", type=float, default=0.0, help="share of records with an older version")
    add("--repeated", type=float, default=0.0, help="share of events that came twice")
    add("--label", default="", help="added to the name of the result file")
    add("--data", type=Path, default=ROOT / "bench" / "data", help="where tables are made")
    add(
        "--report", action="store_true", help="only write documents from the results that lie there"
    )
    return parser.parse_args()


def _measure(words: argparse.Namespace) -> None:
    persons = words.persons or (20_000 if words.quick else 1_000_000)
    dials = ("leaves", "hot_events", "even_events", "shared", "replaced", "repeated")
    shape = Shape(persons, **{name: getattr(words, name) for name in dials})
    # Spark cannot start and warm up within the time of a quick run more than once.
    chosen = words.only.split(",") if words.only else list(PROCESSES if words.quick else PROGRAMS)
    named = words.cases.split(",") if words.cases else QUICK if words.quick else FULL
    if not words.quick and not words.cases:
        say("All cases and programs: this takes hours. --quick ends within 5 minutes.")
    found, loads = {}, [results.load()]
    build(shape, words.data.resolve() / shape.name)
    for name in named:
        found[name] = measured(words, shape, name, chosen)
        loads.append(results.load())
    file = "-".join(filter(None, ["quick" if words.quick else shape.name, words.label]))
    results.write(file, shape, words.rounds, found, loads)
    for line in report.ratios(found):
        say(line)


def main() -> int:
    words = _words()
    return carried_out(lambda: None if words.report else _measure(words))


if __name__ == "__main__":
    sys.exit(main())
