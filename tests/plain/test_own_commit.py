"""A job's own commit in the log of its target, among those of others (S27)."""

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from profile_export.own_commit import has_job, own_commit, transaction_of
from profile_export.storage import Folder

ROWS = pa.table({"a": [1]})


def commit(target: Path, app_id: str | None = None, note: str = "") -> None:
    """One more version."""
    properties = CommitProperties(
        app_transactions=[] if app_id is None else [Transaction(app_id, 1)],
        custom_metadata={"userMetadata": note},
    )
    write_deltalake(str(target), ROWS, mode="append", commit_properties=properties)


def test_s27_a_commit_is_found_among_those_of_others(tmp_path: Path) -> None:
    """Of jobs of the same id in other stores, and of writers who only speak of it."""
    mine, others = transaction_of(1, "batch of mine"), transaction_of(1, "batch of others")
    commit(tmp_path)
    commit(tmp_path, mine, "what is mine")
    commit(tmp_path, others, f"after {mine}")
    commit(tmp_path, None, f"after {mine}")
    found = own_commit(str(tmp_path), mine)
    assert found is not None
    assert (found.version, found.note, len(found.files)) == (1, "what is mine", 1)
    assert own_commit(str(tmp_path), transaction_of(1, "nobody's")) is None


@pytest.mark.parametrize(("job_id", "has"), [(12, True), (1, False), (2, False), (123, False)])
def test_s27_a_job_has_committed_by_its_whole_id(job_id: int, has: bool, tmp_path: Path) -> None:
    commit(tmp_path, transaction_of(12, "b"))
    assert has_job(Folder(str(tmp_path)), job_id) is has
