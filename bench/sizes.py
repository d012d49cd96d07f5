"""Time and memory against size: the same export of tables of several sizes, by several programs.

    python -m bench.sizes                                                     100,000 and 1,000,000
    python -m bench.sizes --persons 6000000 --only sail,duckdb-one,duckdb-two --rounds 1
    python -m bench.sizes --persons 100000 --leaves 33,200,600 --case fields-all

Writes a result for each size (an older one of the same size, leaves and case is replaced), a table
with the ratios of ten times the data in docs/benchmarks.md, and a plot. A program that fails is a
result. Spark's heap is what conf/spark-defaults.conf says.
"""

import argparse
import sys

from bench import results
from bench.cases import cases
from bench.data import build
from bench.programs import PROGRAMS, ROOT
from bench.shape import Shape
from bench.words import carried_out, measured, parser, say
from profile_export.engines._settings import read_conf


def _words() -> argparse.Namespace:
    made = parser("python -m bench.sizes", __doc__)
    made.add_argument("--persons", default="100000,1000000", help="sizes, by comma")
    made.add_argument("--leaves", default="33", help="attributes of a record, by comma")
    made.add_argument("--case", default="three", choices=cases(Shape(1)), help="what is exported")
    only = "sail,duckdb-one,duckdb-two,spark"
    made.add_argument("--only", default=only, help=f"programs, by comma: {', '.join(PROGRAMS)}")
    return made.parse_args()


def _measure(words: argparse.Namespace, shape: Shape) -> None:
    say(f"{shape.persons:,} persons, {shape.leaves} leaves")
    loads = [results.load()]
    build(shape, words.data.resolve() / shape.name)
    found = measured(words, shape, words.case, words.only.split(","), keep_going=True)
    loads.append(results.load())
    heap = read_conf(ROOT / "conf" / "spark-defaults.conf")["spark.driver.memory"]
    told = {"kind": "sizes", "shape": shape.as_json(), "heap": heap, "case": words.case}
    told |= results.around(words.rounds, loads) | {"programs": found}
    results.save(f"size-{shape.name}-{words.case}", told)


def main() -> int:
    words = _words()

    def every() -> None:
        for persons in words.persons.split(","):
            for leaves in words.leaves.split(","):
                _measure(words, Shape(int(persons), leaves=int(leaves)))

    return carried_out(every)


if __name__ == "__main__":
    sys.exit(main())
