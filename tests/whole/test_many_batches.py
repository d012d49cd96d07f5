"""S26: as many batches as segments may be asked, each with rows of its own."""

import json
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from profile_export.engines import Engine
from small_sandbox import AS_OF, TARGET, build, crm, export, request

SEGMENTS = 400
"""Beyond 250 non-empty batches a chain of unions overflowed the engine's stack: it died, after the
commit."""


def test_s26_hundreds_of_batches_that_all_have_rows(engine: Engine, tmp_path: Path) -> None:
    file = build(tmp_path)
    rows = crm(range(SEGMENTS))
    entry = {"status": "realized", "lastQualificationTime": AS_OF}
    at = rows.schema.get_field_index("segmentMembership")
    entries = [[("ups", [(f"s{n}", entry)])] for n in range(SEGMENTS)]
    rows = rows.set_column(at, rows.schema.field(at), pa.array(entries, rows.schema.field(at).type))
    write_deltalake(str(tmp_path / "crm"), rows, mode="overwrite")
    body = request(
        filter={"segments": [{"segmentId": f"s{n}"} for n in range(SEGMENTS)]},
        destination={"datasetId": TARGET, "segmentPerBatch": True},
    )
    papers = export(file, engine, body)
    batches = json.loads((papers / "manifest.json").read_text(encoding="utf-8"))["batches"]
    assert [batch["recordCount"] for batch in batches] == [1] * SEGMENTS
    assert len({batch["rowSetHash"] for batch in batches}) == SEGMENTS
