"""The benchmarks of one bar each: pairs of equal volume, and what their results are told as."""

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bench import cluster_section, data, runner, sections
from bench.cases import Case, cases, sandbox
from bench.measure import Failed, Run
from bench.programs import Program
from bench.runner import Measured
from bench.shape import Shape
from bench.skew import CASES, pair

AROUND = {
    "rounds": 3,
    "machine": {"cores": 2, "memory_gb": 24, "versions": {"pysail": "1"}},
    "load": {"least": 1.0, "most": 2.0},
}


def _rows(shape: Shape) -> dict[str, int]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {
            name: connection.execute(f"SELECT count(*) FROM ({select})").fetchall()[0][0]
            for name, select in data.statements(shape)
        }


@pytest.mark.parametrize("name", CASES)
def test_a_pair_has_two_times_the_same_volume(name: str) -> None:
    shapes = pair(name, Shape(200), events=300, records=50)
    assert shapes["even"] != shapes["skewed"]
    assert _rows(shapes["even"]) == _rows(shapes["skewed"])


@pytest.mark.parametrize("name", CASES.values())
def test_a_skewed_case_exports_everybody_with_events(name: str) -> None:
    case = cases(Shape(200))[name]
    assert case.segments == ()
    assert case.events


def test_only_an_uncut_case_says_how_many_events_a_person_may_have() -> None:
    def settings(case: Case) -> dict[str, int]:
        told: dict[str, int] = sandbox(case, Shape(9), target="t", data="d")["settings"]
        return told

    found = cases(Shape(9))
    assert "maxEventsPerProfile" not in settings(found["everybody-events"])
    assert settings(found["everybody-uncut"])["maxEventsPerProfile"] > 10_000_000


def _program(code: str) -> Program:
    return Program("sail", "w", "ours", lambda _work, _times: [sys.executable, "-c", code])


def test_a_program_that_fails_is_a_result_where_it_may(tmp_path: Path) -> None:
    one = Measured(_program("raise SystemExit('out of memory')"))
    assert runner._tried(one, tmp_path, keep_going=True) is None
    assert one.figures() == {"failed": one.failed}
    assert one.failed.endswith("out of memory")
    assert runner._tried(one, tmp_path, keep_going=True) is None, "it is not tried again"
    with pytest.raises(Failed):
        runner._tried(Measured(one.program), tmp_path, keep_going=False)


def test_rounds_go_forwards_and_backwards_after_one_that_does_not_count() -> None:
    a, b = _program("a"), _program("b")
    assert list(runner._turns([a, b], 2)) == [([a, b], False), ([a, b], True), ([b, a], True)]
    assert list(runner._turns([a, b], 1)) == [([a, b], True)]


def _figures(seconds: float) -> dict[str, Any]:
    one = Measured(_program(""))
    one.runs.append(Run(seconds, seconds, cpu=seconds, peak_bytes=1_000_000))
    return one.figures()


def _size(persons: int, programs: dict[str, Any], case: str = "three") -> dict[str, Any]:
    shape = Shape(persons).as_json()
    return {"shape": shape, "case": case, "heap": "2g", "programs": programs, **AROUND}


def test_ten_times_the_persons_are_told_once() -> None:
    results = [
        _size(10, {"sail": _figures(1.0), "spark": _figures(2.0)}),
        _size(100, {"sail": _figures(9.5), "spark": {"failed": "no | heap"}}),
        _size(1000, {"sail": _figures(99.75)}),
        _size(100, {"sail": _figures(1.0)}, case="one"),
    ]
    told = sorted(sections.tenfold(results))
    assert len(told) == 3
    assert "100 persons take 9.50 of the time of 10 (bar 10.5)" in told[1]
    assert "1,000 persons take 10.50 of the time of 100" in told[0]
    assert told[2].endswith("engine spark: 100 persons: failed")
    assert "failed: no / heap" in "\n".join(sections.sizes(results))


def test_the_ratio_of_a_pair_is_told() -> None:
    shapes = pair("hot", Shape(20), events=30, records=5)
    result = {"pair": "hot", "case": CASES["hot"], **AROUND} | {
        side: {"shape": shape.as_json(), "programs": {"sail": _figures(seconds)}}
        for (side, shape), seconds in zip(shapes.items(), (2.0, 3.0), strict=True)
    }
    assert "| hot | ours, engine sail | 2.00 | 3.00 | 1.50 | 1.50 |" in "".join(
        sections.skew([result])
    )


def test_two_workers_are_compared_with_one_by_their_medians() -> None:
    def run(seconds: float) -> dict[str, Any]:
        processes = {"cpu": 1.0, "peak_bytes": 1}
        spans = {"job": seconds, "job_to_commit": seconds, "seconds": seconds + 10}
        return {**spans, "driver": processes, "workers": processes}

    result = {"shape": Shape(20).as_json(), "case": "three", "pinned": False, **AROUND} | {
        "memory_mib": 2048,
        "runs": {"1": [run(20), run(34), run(90)], "2": [run(20), run(20), run(1)]},
    }
    for runs, seconds in ((result["runs"]["1"], 30), (result["runs"]["2"], 20)):
        runs[0]["before"] = runs[1]["before"] = runs[2]["before"] = [run(seconds), run(seconds + 5)]
    told = "\n".join(cluster_section.cluster(result))
    assert "- job 1 before it: 30.00 and 20.00 s, 1.50 times as fast" in told
    assert "- job 2 before it: 35.00 and 25.00 s, 1.40 times as fast" in told
    assert "two workers are 1.70 times as fast as one by the job (bar 1.7)" in told
    assert "1.47 from submission to end" in told
