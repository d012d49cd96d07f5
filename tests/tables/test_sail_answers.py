"""An answer of the embedded engine that gRPC cannot read is asked for again, where that is safe."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

pytestmark = pytest.mark.sail_only("a classic session makes no calls")
Damage = Callable[[str, int], list[str]]


@pytest.fixture
def damage(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Damage:
    """``damage("ConfigResponse", 2)``: the next two answers of that type cannot be read."""
    import grpc._common

    # The first plan of a session asks whether plans are compressed, and goes on without an answer.
    spark.range(1).collect()
    reads, left, seen = grpc._common._transform, {}, list[str]()

    def damaged(message: Any, transformer: Any, told: str) -> Any:
        def read(raw: bytes) -> Message:
            answer: Message = transformer(raw)
            name = type(answer).__name__
            if left.get(name, 0):
                left[name] -= 1
                seen.append(name)
                raise DecodeError("Wire format was corrupt")
            return answer

        return reads(message, read if "deserializing" in told else transformer, told)

    monkeypatch.setattr(grpc._common, "_transform", damaged)

    def start(name: str, times: int) -> list[str]:
        left[name] = times
        return seen

    return start


def test_a_setting_is_asked_for_again(damage: Damage, spark: SparkSession) -> None:
    seen = damage("ConfigResponse", 2)
    assert spark.range(3).collect()[2].id == 2
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert len(seen) == 2


def test_a_schema_is_asked_for_again(damage: Damage, spark: SparkSession) -> None:
    seen = damage("AnalyzePlanResponse", 1)
    assert spark.range(3).columns == ["id"]
    assert len(seen) == 1


@pytest.mark.filterwarnings("ignore:.RETRIES_EXCEEDED")
@pytest.mark.parametrize(
    ("name", "times"), [("ConfigResponse", 9), ("ExecutePlanResponse", 1)], ids=["again", "stream"]
)
def test_what_cannot_be_asked_for_again_fails(
    damage: Damage, spark: SparkSession, name: str, times: int
) -> None:
    seen = damage(name, times)
    with pytest.raises(PySparkException, match="Exception deserializing response!"):
        spark.range(3).collect()
    assert 0 < len(seen) <= 4
    damage(name, 0)
    assert spark.range(3).count() == 3
