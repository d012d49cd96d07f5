"""The Connect client is imported without pandas, and pandas is there once somebody uses it."""

import subprocess
import sys

import pytest

RUNS = {
    "it is not loaded by rows, nor by Arrow": """
frame = engine.spark.range(3)
assert len(frame.collect()) == 3 and frame.toArrow().num_rows == 3
assert "pandas" not in sys.modules
""",
    "frames are made of it and become it": """
frame = engine.spark.createDataFrame([(1, "a")], "n int, s string").toPandas()
import pandas
assert isinstance(frame, pandas.DataFrame)
times = pandas.DataFrame({"at": pandas.to_datetime(["2024-05-01"]), "n": [7]})
again = engine.spark.createDataFrame(times)
assert [(row["at"].year, row["n"]) for row in again.collect()] == [(2024, 7)]
""",
    "others import it as it is": """
import pandas.api.types
import pandas
assert pandas.api.types.is_datetime64_dtype(pandas.to_datetime(["2024-05-01"]).dtype)
""",
    "it may be loaded before": """
assert sys.modules["pandas"] is loaded and engine.spark.range(2).toPandas().shape == (2, 1)
""",
}
BEFORE = {"it may be loaded before": "import pandas as loaded"}


@pytest.mark.parametrize("name", RUNS)
def test_in_a_process_of_its_own(name: str) -> None:
    program = f"""
import sys
{BEFORE.get(name, "")}
from profile_export.engines import open_engine
engine = open_engine("sail")
{RUNS[name]}
print("done", flush=True)
engine.stop()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr
