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
    "nothing stays behind": """
assert builtins.__import__ is before
""",
}
BEFORE = {
    "it may be loaded before": "import pandas as loaded",
    "nothing stays behind": "import builtins; before = builtins.__import__",
}


def _succeeds(program: str) -> None:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr


@pytest.mark.parametrize("name", RUNS)
def test_in_a_process_of_its_own(name: str) -> None:
    _succeeds(f"""
import sys
{BEFORE.get(name, "")}
from profile_export.engines import open_engine
engine = open_engine("sail")
{RUNS[name]}
print("done", flush=True)
engine.stop()
""")


def test_other_threads_have_pandas_as_it_is() -> None:
    _succeeds("""
import sys
from threading import Event, Thread
from profile_export.engines._without_pandas import without_pandas

inside, imported, seen = Event(), Event(), []

def other():
    inside.wait()
    import pandas
    import pyarrow
    seen.append(type(pandas) is type(sys) and pandas.DataFrame.__module__)
    seen.append(pyarrow.Table.from_pandas(pandas.DataFrame({"n": [1]})).num_rows)
    imported.set()

thread = Thread(target=other)
thread.start()
with without_pandas():
    import pandas as later
    inside.set()
    imported.wait()
    import pandas as loaded
thread.join()
assert seen == ["pandas.core.frame", 1], seen
assert later is not loaded and loaded is sys.modules["pandas"]
assert later.DataFrame is loaded.DataFrame
print("done")
""")


def test_sail_starts_without_arrows_functions() -> None:
    """What looks into its inputs needs none of them: their import takes 16 ms of every start."""
    _succeeds("""
import sys
import profile_export.engines.sail_session
assert "pyarrow.compute" not in sys.modules
print("done")
""")
