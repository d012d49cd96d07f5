"""Skew: tables in which one person or one identity has far more than its share, against even ones.

    python -m bench.skew                          all pairs, sail and spark
    python -m bench.skew --pairs shared --only sail

hot        one person has a million events more, of which the export keeps 100,000 (S25); even: all
           persons together have as many more
hot-uncut  the same, and the export keeps all
shared     100,000 records have one e-mail address: one person of the graph; even: none has

Everybody is exported, so that the even tables are as much work. Writes a result for each pair, and
a table with the ratios in docs/benchmarks.md. An engine that fails is a result.
"""

import argparse
import sys
from dataclasses import asdict, replace
from typing import Any

from bench import results
from bench.data import build
from bench.shape import Shape
from bench.words import carried_out, measured, parser, say

ENGINES = "sail,spark"
CASES = {"hot": "everybody-events", "hot-uncut": "everybody-uncut", "shared": "pdg-everybody"}


def pair(name: str, shape: Shape, *, events: int, records: int) -> dict[str, Shape]:
    """The even and the skewed tables of a pair; both have the same number of rows."""
    if name == "shared":
        return {"even": shape, "skewed": replace(shape, shared=records)}
    return {"even": replace(shape, even_events=events), "skewed": replace(shape, hot_events=events)}


def _words() -> argparse.Namespace:
    made = parser("python -m bench.skew", __doc__)
    made.add_argument("--pairs", default=",".join(CASES), help="which, by comma")
    made.add_argument("--only", default=ENGINES, help="engines, by comma")
    made.add_argument("--persons", type=int, default=200_000)
    made.add_argument("--events", type=int, default=1_000_000, help="of the one person")
    made.add_argument("--records", type=int, default=100_000, help="that share an identity")
    return made.parse_args()


def _measure(words: argparse.Namespace, name: str) -> None:
    told: dict[str, Any] = {"kind": "skew", "pair": name, "case": CASES[name]}
    loads = [results.load()]
    shapes = pair(name, Shape(words.persons), events=words.events, records=words.records)
    for side, shape in shapes.items():
        say(f"{name}, {side}: {shape.name}")
        build(shape, words.data.resolve() / shape.name)
        chosen = words.only.split(",")
        programs = measured(words, shape, CASES[name], chosen, keep_going=True)
        told[side] = {"shape": asdict(shape), "programs": programs}
        loads.append(results.load())
    file = ["skew", name, *([words.only.replace(",", "-")] if words.only != ENGINES else [])]
    results.save("-".join(file), told | results.around(words.rounds, loads))


def main() -> int:
    words = _words()

    def every() -> None:
        for name in words.pairs.split(","):
            _measure(words, name)

    return carried_out(every)


if __name__ == "__main__":
    sys.exit(main())
