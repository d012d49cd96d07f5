"""S26, S27, S30: one commit per job, growth in the same commit, refusals before any write."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake import Field as DeltaField
from deltalake import Schema as DeltaSchema
from pyarrow.parquet import ParquetFile
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from profile_export.commit import check_target, find_commit, sweep, write_and_commit
from profile_export.committed import describe
from profile_export.delta_log import TargetState, look
from profile_export.engines import Engine, Written
from profile_export.errors import Cancelled, JobFailed
from profile_export.manifest import MANIFEST, ROOT
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan
from profile_export.schema import Array, Field, Map, Struct, struct_of
from tables.plans import PERSON, plan_for

Commit = Callable[..., tuple[OwnCommit, Written]]


def rows(
    spark: SparkSession, plan: ExportPlan, number: int = 10, extra: Sequence[Column] = ()
) -> DataFrame:
    """``number`` persons, half of them in the first batch and half in the last."""
    first, last = plan.batches[0].batch_id, plan.batches[-1].batch_id
    batch = F.when(F.col("id") % 2 == 0, first).otherwise(last)
    email = F.concat(F.lit("p"), F.col("id").cast("string"))
    return spark.range(number).select(
        email.alias("email"), F.col("id").alias("age"), *extra, batch.alias("_ACP_BATCHID")
    )


@pytest.fixture
def commit(engine: Engine, spark: SparkSession) -> Commit:
    def do(
        plan: ExportPlan, number: int = 10, extra: Sequence[Column] = ()
    ) -> tuple[OwnCommit, Written]:
        location = plan.target.table.location or ""
        check_target(plan, location)
        made = write_and_commit(
            engine, rows(spark, plan, number, extra), plan=plan, location=location, note="n"
        )
        written = describe(engine, made, plan=plan, location=location)
        sweep(plan, location, commit=made)
        return made, written

    return do


def log(target: Path) -> list[dict[str, object]]:
    """All actions of the log, in order."""
    files = sorted((target / "_delta_log").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_one_commit_holds_all_batches_and_says_what_is_in_them(
    commit: Commit, tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "t", batches=3)
    made, written = commit(plan)
    assert made.version == 0
    assert [batch.records for batch in written.batches] == [5, 0, 5]
    assert written.batches[1].row_set_hash == "0" * 32
    assert sum(file.rows for file in written.files) == 10
    assert DeltaTable(str(tmp_path / "t")).count() == 10
    lying = [str(p.relative_to(tmp_path / "t")) for p in tmp_path.glob("t/_ACP_BATCHID=*/*")]
    assert sorted(lying) == [file.path for file in made.files]


def test_a_new_table_is_plain(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t"))
    actions = log(tmp_path / "t")
    (protocol,) = [a["protocol"] for a in actions if "protocol" in a]
    (metadata,) = [a["metaData"] for a in actions if "metaData" in a]
    assert protocol == {"minReaderVersion": 1, "minWriterVersion": 2}
    assert isinstance(metadata, dict)
    assert metadata["partitionColumns"] == ["_ACP_BATCHID"]
    configuration = metadata["configuration"]
    assert configuration["delta.dataSkippingNumIndexedCols"] == "0"
    assert configuration.get("delta.enableDeletionVectors", "false") == "false"
    assert configuration.get("delta.columnMapping.mode", "none") == "none"
    adds = [a["add"] for a in actions if "add" in a]
    assert all(isinstance(a, dict) and set(json.loads(a["stats"])) == {"numRecords"} for a in adds)


def test_a_dictionary_of_nearly_unique_values_is_given_up_early(
    commit: Commit, tmp_path: Path
) -> None:
    """docs/decisions/0026: by default at a MiB, with all that is looked up in it in vain."""
    output = struct_of(email="string", age="long", digest="string")
    digest = F.md5(F.col("id").cast("string")).alias("digest")
    made, _ = commit(plan_for(tmp_path / "t", output=output), 50_000, [digest])
    for file in made.files:
        column = ParquetFile(tmp_path / "t" / file.path).metadata.row_group(0).column(2)
        assert column.path_in_schema == "digest"
        # Spark writes none where it has given it up.
        starts = column.dictionary_page_offset or column.data_page_offset
        assert column.data_page_offset - starts <= 64 * 2**10


def test_a_repeated_job_commits_no_second_time(commit: Commit, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t")
    first, _ = commit(plan)
    again, written = commit(plan, 4)
    assert again == first
    assert [batch.records for batch in written.batches] == [5, 5]
    assert DeltaTable(str(tmp_path / "t")).version() == 0


def test_s27_jobs_of_one_number_are_two_jobs(commit: Commit, tmp_path: Path) -> None:
    """Two stores may give it out for one target; the second must not take the first's commit
    for its own."""
    both = [plan_for(tmp_path / "t", job_id=1) for _ in range(2)]
    made = [commit(plan)[0] for plan in both]
    assert [one.version for one in made] == [0, 1]
    assert DeltaTable(str(tmp_path / "t")).count() == 20
    assert [find_commit(plan, str(tmp_path / "t")) for plan in both] == made


def test_s27_a_job_that_has_committed_is_not_stopped_any_more(
    commit: Commit, engine: Engine, spark: SparkSession, tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "t")
    made, _ = commit(plan)

    def stopped() -> None:
        raise Cancelled("asked to stop")

    location = str(tmp_path / "t")
    again = write_and_commit(engine, rows(spark, plan), plan=plan, location=location, check=stopped)
    assert again == made


def test_earlier_batches_stay(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    made, _ = commit(plan_for(tmp_path / "t", job_id=2))
    assert made.version == 1
    assert DeltaTable(str(tmp_path / "t")).count() == 20


@pytest.mark.parametrize("before", [0, 1], ids=["new table", "existing table"])
def test_an_empty_export_commits(before: int, commit: Commit, tmp_path: Path) -> None:
    for job in range(before):
        commit(plan_for(tmp_path / "t", job_id=10 + job))
    plan = plan_for(tmp_path / "t")
    made, written = commit(plan, 0)
    assert (made.version, made.files) == (before, ())
    assert [batch.records for batch in written.batches] == [0, 0]
    assert find_commit(plan, str(tmp_path / "t")) == made
    assert not list(tmp_path.glob(f"t/_ACP_BATCHID={plan.batches[0].batch_id}"))


def test_s30_an_empty_export_with_a_new_column_takes_nothing_away(
    commit: Commit, tmp_path: Path
) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    output = Struct((*PERSON.fields, *struct_of(x="long").fields))
    plan = plan_for(tmp_path / "t", job_id=2, output=output)
    made, _ = commit(plan, 0, [F.col("id").alias("x")])
    assert (made.version, made.files) == (1, ())
    table = DeltaTable(str(tmp_path / "t"))
    assert table.count() == 10
    assert "x" in {field.name for field in table.schema().fields}


def wide(member: str) -> tuple[Struct, list[Column]]:
    """A struct, an array of structs and a map of structs that each have the member ``member``."""
    inner = struct_of(**{member: "long"})
    value = F.struct(F.col("id").alias(member))
    return (
        struct_of(email="string", age="long", s=inner, l=Array(inner), m=Map("string", inner)),
        [
            value.alias("s"),
            F.array(value).alias("l"),
            F.create_map(F.lit("k"), value).alias("m"),
        ],
    )


def test_the_schema_grows_at_any_depth_in_the_same_commit(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    hashes = []
    for job, member in ((2, "a"), (3, "b"), (4, "a")):
        output, extra = wide(member)
        made, written = commit(plan_for(tmp_path / "t", job_id=job, output=output), 10, extra)
        assert made.version == job - 1
        hashes.append([batch.row_set_hash for batch in written.batches])
    both = struct_of(a="long", b="long")
    state = look(str(tmp_path / "t"))
    assert state is not None
    assert state.columns.get("s") == both
    assert state.columns.get("l") == Array(both)
    assert state.columns.get("m") == Map("string", both)
    assert DeltaTable(str(tmp_path / "t")).count() == 40
    assert hashes[0] == hashes[2], "the hash is of the job's own columns, not of what the table got"


def test_a_column_without_time_zone_can_be_added_later(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    output = struct_of(email="string", age="long", at="timestamp_ntz")
    at = F.lit("2024-02-03 04:05:06.789012").cast("timestamp_ntz").alias("at")
    _, written = commit(plan_for(tmp_path / "t", job_id=2, output=output), 10, [at])
    assert [batch.records for batch in written.batches] == [5, 5]
    assert DeltaTable(str(tmp_path / "t")).count() == 20


@pytest.mark.parametrize(
    ("setting", "feature"),
    [("delta.appendOnly", "appendOnly"), ("delta.enableChangeDataFeed", "changeDataFeed")],
)
def test_s26_what_a_target_is_set_to_stays_in_force_when_its_protocol_is_raised(
    setting: str, feature: str, commit: Commit, tmp_path: Path
) -> None:
    """Spark read no such target any more: its log had a setting without the feature for it."""
    commit(plan_for(tmp_path / "t", job_id=1))
    DeltaTable(str(tmp_path / "t")).alter.set_table_properties({setting: "true"})
    output = struct_of(email="string", age="long", at="timestamp_ntz")
    at = F.lit("2024-02-03 04:05:06.789012").cast("timestamp_ntz").alias("at")
    commit(plan_for(tmp_path / "t", job_id=2, output=output), 10, [at])
    table = DeltaTable(str(tmp_path / "t"))
    assert table.count() == 20
    assert {feature, "invariants"} <= set(table.protocol().writer_features or [])


@pytest.mark.parametrize("writer", [5, 7])
def test_s26_a_protocol_that_allows_column_mapping_stays_one_that_is_read(
    writer: int, engine: Engine, spark: SparkSession, commit: Commit, tmp_path: Path
) -> None:
    """It had the feature for writers only, and sail read the target no more."""
    commit(plan_for(tmp_path / "t", job_id=1))
    features = ["appendOnly", "columnMapping", "invariants"]
    protocol = {"minReaderVersion": 2, "minWriterVersion": writer}
    listed = {"writerFeatures": features} if writer == 7 else {}
    entry = tmp_path / "t" / "_delta_log" / f"{1:020}.json"
    entry.write_text(json.dumps({"protocol": {**protocol, **listed}}))
    output = struct_of(email="string", age="long", at="timestamp_ntz")
    at = F.lit("2024-02-03 04:05:06.789012").cast("timestamp_ntz").alias("at")
    commit(plan_for(tmp_path / "t", job_id=2, output=output), 10, [at])
    found = DeltaTable(str(tmp_path / "t")).protocol()
    assert "columnMapping" in set(found.reader_features or []) & set(found.writer_features or [])
    read = spark.read.format("delta").load(engine.delta_path(str(tmp_path / "t")))
    assert read.count() == 20


@pytest.mark.spark_only
def test_a_column_without_time_zone_for_a_target_that_delta_rs_cannot_write(
    commit: Commit, spark: SparkSession, tmp_path: Path
) -> None:
    target = tmp_path / "it's" / "t"
    commit(plan_for(target, job_id=1))
    setting = "'delta.enableInCommitTimestamps' = 'true'"
    spark.sql(f"ALTER TABLE delta.`{target}` SET TBLPROPERTIES ({setting})")
    output = struct_of(email="string", age="long", at="timestamp_ntz")
    at = F.lit("2024-02-03 04:05:06.789012").cast("timestamp_ntz").alias("at")
    commit(plan_for(target, job_id=2, output=output), 10, [at])
    assert DeltaTable(str(target)).count() == 20


@pytest.mark.parametrize("without", ["email", ""])
def test_a_table_can_begin_with_times_without_zone_in_maps(
    without: str, commit: Commit, tmp_path: Path
) -> None:
    type_ = Map("string", struct_of(until="timestamp_ntz"))
    output = Struct(
        tuple(Field(n, t) for n, t in (("m", type_), ("email", "string")) if n != without)
    )
    at = F.lit("2024-02-03 04:05:06.789012").cast("timestamp_ntz")
    column = F.create_map(F.lit("k"), F.struct(at.alias("until"))).alias("m")
    for number in (1, 2):
        plan = plan_for(tmp_path / "t", job_id=number, output=output)
        _, written = commit(plan, 10, [column])
        assert [batch.records for batch in written.batches] == [5, 5]
    state = look(str(tmp_path / "t"))
    assert state is not None
    assert state.columns.names() == [*output.names(), "_ACP_BATCHID"]
    assert state.columns.get("m") == type_


def test_another_type_is_refused_before_anything_is_written(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    before = sorted(tmp_path.glob("**/*"))
    with pytest.raises(JobFailed) as caught:
        commit(plan_for(tmp_path / "t", job_id=2, output=struct_of(email="string", age="double")))
    assert caught.value.code == "target-schema"
    assert "age is bigint in the target and double in the export" in str(caught.value)
    assert sorted(tmp_path.glob("**/*")) == before


def test_s26_a_target_with_rules_of_its_own_is_refused(commit: Commit, tmp_path: Path) -> None:
    """delta-rs would commit rows that break them."""
    commit(plan_for(tmp_path / "t", job_id=1))
    DeltaTable(str(tmp_path / "t")).alter.add_constraint({"grown": "age > -1"})
    before = sorted(tmp_path.glob("**/*"))
    with pytest.raises(JobFailed, match="constraint grown") as caught:
        commit(plan_for(tmp_path / "t", job_id=2))
    assert caught.value.code == "target-schema"
    assert sorted(tmp_path.glob("**/*")) == before


def test_s26_a_target_with_columns_that_are_never_null_is_refused(tmp_path: Path) -> None:
    fields = [DeltaField("email", "string"), DeltaField("age", "long", nullable=False)]
    fields.append(DeltaField("_ACP_BATCHID", "string"))
    DeltaTable.create(
        str(tmp_path / "t"), schema=DeltaSchema(fields), partition_by=["_ACP_BATCHID"]
    )
    with pytest.raises(JobFailed, match="column age, never null") as caught:
        check_target(plan_for(tmp_path / "t"), str(tmp_path / "t"))
    assert caught.value.code == "target-schema"


def test_s26_a_target_whose_files_lie_anywhere_is_refused(commit: Commit, tmp_path: Path) -> None:
    """delta-spark would put them beside the folders of batches: no manifest had them, no sweep."""
    commit(plan_for(tmp_path / "t", job_id=1))
    DeltaTable(str(tmp_path / "t")).alter.set_table_properties(
        {"delta.randomizeFilePrefixes": "True"}, raise_if_not_exists=False
    )
    with pytest.raises(JobFailed, match="randomizeFilePrefixes") as caught:
        commit(plan_for(tmp_path / "t", job_id=2))
    assert caught.value.code == "target-schema"


@pytest.mark.sail_only("delta-spark can write them")
@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ("inCommitTimestamp", "InCommitTimestamp"),
        # Not by the name that delta-rs has for what it does not know: Unknown("...").
        ("checkpointProtection", "checkpointProtection"),
    ],
)
def test_features_that_delta_rs_cannot_write_are_told(
    feature: str, told: str, commit: Commit, tmp_path: Path
) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    features = ["appendOnly", "invariants", feature]
    protocol = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features}
    action = json.dumps({"protocol": protocol})
    (tmp_path / "t" / "_delta_log" / f"{1:020}.json").write_text(f"{action}\n")
    with pytest.raises(JobFailed, match=rf"cannot write \({told}\)") as caught:
        commit(plan_for(tmp_path / "t", job_id=2))
    assert caught.value.code == "target-schema"
    assert "--engine spark" in str(caught.value)


def test_a_table_that_is_no_export_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    target = tmp_path / "t"
    spark.range(3).withColumn("part", F.lit("x")).write.format("delta").partitionBy("part").save(
        str(target)
    )
    with pytest.raises(JobFailed) as caught:
        check_target(plan_for(target), str(target))
    assert caught.value.code == "target-schema"
    assert "partitioned by part" in str(caught.value)


def test_s30_a_target_whose_log_is_gone_gets_no_other_log(commit: Commit, tmp_path: Path) -> None:
    """A new one would hide the rows of earlier exports, of which their manifests tell."""
    commit(plan_for(tmp_path / "t", job_id=1))
    papers = tmp_path / "t" / ROOT / "1"
    papers.mkdir(parents=True)
    shutil.move(tmp_path / "t" / "_delta_log", tmp_path / "log")
    plan = plan_for(tmp_path / "t", job_id=2)
    check_target(plan, str(tmp_path / "t"))  # of a job that was killed nothing counts
    (papers / MANIFEST).write_text("{}", encoding="utf-8")
    with pytest.raises(JobFailed, match=r"no Delta log any more.*1/manifest\.json") as caught:
        commit(plan)
    assert caught.value.code == "target-unreadable"
    assert not (tmp_path / "t" / "_delta_log").exists()
    shutil.move(tmp_path / "log", tmp_path / "t" / "_delta_log")
    commit(plan)
    assert DeltaTable(str(tmp_path / "t")).count() == 20


def test_sweeping_touches_no_other_batch(commit: Commit, tmp_path: Path) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    plan = plan_for(tmp_path / "t", job_id=2)
    stray = tmp_path / "t" / f"_ACP_BATCHID={plan.batches[0].batch_id}" / "x.parquet"
    foreign = tmp_path / "t" / f"_ACP_BATCHID={'f' * 32}" / "x.parquet"
    for file in (stray, foreign):
        file.parent.mkdir()
        file.write_bytes(b"PAR1")
    sweep(plan, str(tmp_path / "t"), commit=None)
    assert not stray.parent.exists()
    assert foreign.exists()
    assert DeltaTable(str(tmp_path / "t")).count() == 10


def test_other_writers_meanwhile_lose_nothing(commit: Commit, tmp_path: Path) -> None:
    """Four jobs append, two of them with new columns, while delta-rs appends between them."""
    commit(plan_for(tmp_path / "t", job_id=100))
    jobs = [plan_for(tmp_path / "t", job_id=n) for n in (1, 2)]
    grown = [
        plan_for(tmp_path / "t", job_id=n, output=Struct((*PERSON.fields, *new.fields)))
        for n, new in ((3, struct_of(x="long")), (4, struct_of(y="long")))
    ]
    extras = {3: [F.col("id").alias("x")], 4: [F.col("id").alias("y")]}
    failures: list[BaseException] = []

    def work(plan: ExportPlan) -> None:
        try:
            commit(plan, 10, extras.get(plan.job_id, []))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(plan,)) for plan in (*jobs, *grown)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    table = DeltaTable(str(tmp_path / "t"))
    assert table.version() == 4
    assert table.count() == 50
    assert {"x", "y"} <= {field.name for field in table.schema().fields}


def test_s27_a_target_that_forgets_transactions_gets_one_commit_of_a_job(
    commit: Commit, tmp_path: Path
) -> None:
    """The job took its commit for that of nobody, repeated it, and swept the files of them all."""
    commit(plan_for(tmp_path / "t", job_id=1))
    forgets = {"delta.setTransactionRetentionDuration": "interval 0 seconds"}
    DeltaTable(str(tmp_path / "t")).alter.set_table_properties(forgets)
    plan = plan_for(tmp_path / "t", job_id=2)
    made, _ = commit(plan)
    assert commit(plan)[0] == made == find_commit(plan, str(tmp_path / "t"))
    assert DeltaTable(str(tmp_path / "t")).version() == made.version == 2
    assert DeltaTable(str(tmp_path / "t")).count() == 20


def test_s27_what_readers_see_is_never_swept(commit: Commit, tmp_path: Path) -> None:
    """Whatever the log says of the job: its commit may be there and not be found."""
    plan = plan_for(tmp_path / "t", job_id=1)
    made, _ = commit(plan)
    stray = tmp_path / "t" / f"_ACP_BATCHID={plan.batches[0].batch_id}" / "x.parquet"
    stray.write_bytes(b"PAR1")
    sweep(plan, str(tmp_path / "t"), commit=None)
    assert not stray.exists()
    assert all((tmp_path / "t" / file.path).exists() for file in made.files)
    _first_commit(tmp_path / "t").write_text("")
    with pytest.raises(JobFailed):
        sweep(plan, str(tmp_path / "t"), commit=None)
    assert all((tmp_path / "t" / file.path).exists() for file in made.files)


def _first_commit(target: Path) -> Path:
    """The log's first entry, as all that is known of it."""
    for beside in (target / "_delta_log").glob("*.crc"):
        beside.unlink()
    return target / "_delta_log" / f"{0:020}.json"


@pytest.mark.parametrize(
    ("before", "theirs", "told"),
    [
        pytest.param(0, struct_of(city="string"), None, id="made it first"),
        pytest.param(1, struct_of(city="string"), None, id="added a column"),
        pytest.param(0, struct_of(age="string"), "age is string in the target", id="another type"),
    ],
)
def test_s26_a_target_that_gets_columns_before_the_write_begins(
    before: int,
    theirs: Struct,
    told: str | None,
    commit: Commit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look at it and the write another job is faster: what Delta says then of columns
    that do not fit is a race that was lost, not the end of the job."""
    target = tmp_path / "t"
    for number in range(before):
        commit(plan_for(target, job_id=10 + number))
    rivals = [pa.table({**{n: ["x"] for n in theirs.names()}, "_ACP_BATCHID": ["theirs"]})]

    def look_and_lose(location: str) -> TargetState | None:
        state = look(location)
        while rivals:
            write_deltalake(
                location,
                rivals.pop(),
                partition_by="_ACP_BATCHID",
                mode="append",
                schema_mode="merge",
            )
        return state

    monkeypatch.setattr("profile_export.engines.commit_once.look", look_and_lose)
    grown = Struct((*PERSON.fields, *struct_of(x="long").fields))
    if told is None:
        commit(plan_for(target, job_id=1, output=grown), 10, [F.col("id").alias("x")])
        assert DeltaTable(str(target)).count() == 10 * before + 11
    else:
        with pytest.raises(JobFailed, match=told) as caught:
            commit(plan_for(target, job_id=1, output=grown), 10, [F.col("id").alias("x")])
        assert caught.value.code == "target-schema"


@pytest.mark.sail_only("spark writes and commits in one call")
@pytest.mark.parametrize("loss", ["vacuum", "another table"])
def test_s27_files_that_went_away_meanwhile_are_not_committed(
    loss: str, engine: Engine, spark: SparkSession, commit: Commit, tmp_path: Path
) -> None:
    """The commit named files that were not there, and no reader could read the table any more."""
    target = tmp_path / "t"
    commit(plan_for(target, job_id=1))
    plan, others = plan_for(target, job_id=2), plan_for(target, job_id=3)

    def another_writer() -> None:
        if loss == "vacuum":
            table = DeltaTable(str(target))
            table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
        else:
            shutil.rmtree(target)
            commit(others)

    with pytest.raises(JobFailed, match="was removed while the job wrote") as caught:
        write_and_commit(
            engine, rows(spark, plan), plan=plan, location=str(target), check=another_writer
        )
    assert caught.value.code == "target-unwritable"
    assert DeltaTable(str(target)).to_pyarrow_table().num_rows == 10


def test_s26_rules_that_a_target_gets_while_a_job_writes_are_heeded(
    engine: Engine, spark: SparkSession, commit: Commit, tmp_path: Path
) -> None:
    commit(plan_for(tmp_path / "t", job_id=1))
    plan, changes = plan_for(tmp_path / "t", job_id=2), [{"young": "age < 100"}]

    def another_writer() -> None:
        for rule in changes:
            changes.clear()
            DeltaTable(str(tmp_path / "t")).alter.add_constraint(rule)

    with pytest.raises(JobFailed, match=r"constraint young|METADATA_CHANGED"):
        write_and_commit(
            engine,
            rows(spark, plan),
            plan=plan,
            location=str(tmp_path / "t"),
            check=another_writer,
        )
    assert DeltaTable(str(tmp_path / "t")).count() == 10


@pytest.mark.parametrize("lies", ["a.parquet", "day=1/a.parquet", "metadata/v1.metadata.json"])
def test_s26_a_folder_of_other_data_is_no_target(lies: str, tmp_path: Path) -> None:
    """Its rows were hidden from readers of Delta, and mixed with ours for readers of Parquet."""
    plan, file = plan_for(tmp_path / "t"), tmp_path / "t" / lies
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    with pytest.raises(JobFailed, match=lies) as caught:
        check_target(plan, str(tmp_path / "t"))
    assert caught.value.code == "target-schema"


def test_a_target_that_is_a_file_is_told_without_its_place(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "t").symlink_to("real")
    for name in ("real", "t"):
        with pytest.raises(JobFailed, match="cannot be read") as caught:
            check_target(plan_for(tmp_path / name), str(tmp_path / name))
        assert caught.value.code == "target-unreadable"
        assert str(tmp_path) not in str(caught.value)


def test_a_target_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    (tmp_path / "t").symlink_to("t")
    with pytest.raises(JobFailed, match="The target t cannot be read: Too many levels") as caught:
        check_target(plan_for(tmp_path / "t"), str(tmp_path / "t"))
    assert caught.value.code == "target-unreadable"


def test_a_folder_that_a_killed_job_has_left_is_a_target(commit: Commit, tmp_path: Path) -> None:
    for left in (f"_ACP_BATCHID={'f' * 32}/a.parquet", "_profile_export/9/scratch/a.parquet"):
        (tmp_path / "t" / left).parent.mkdir(parents=True)
        (tmp_path / "t" / left).write_bytes(b"PAR1")
    assert commit(plan_for(tmp_path / "t"))[0].version == 0


def _told(target: Path) -> dict[str, dict[str, object]]:
    """The metadata of the columns, and of the members of a struct, as the log has it."""
    found = json.loads(DeltaTable(str(target)).schema().to_json())["fields"]
    inner = [each for field in found if field["name"] == "s" for each in field["type"]["fields"]]
    return {field["name"]: field["metadata"] for field in (*found, *inner)}


def test_s26_what_a_target_tells_of_its_columns_stays(commit: Commit, tmp_path: Path) -> None:
    """Comments went, at the first export that brought a column."""
    output, extra = wide("a")
    commit(plan_for(tmp_path / "t", job_id=1, output=output), 10, extra)
    log_file = _first_commit(tmp_path / "t")
    plain, told = '\\"metadata\\":{}', '\\"metadata\\":{\\"comment\\":\\"the %s\\"}'
    text = log_file.read_text()
    for name in ("email", "a"):
        begins = f'\\"name\\":\\"{name}\\"'
        head, found, tail = text.partition(begins)
        assert found
        text = head + found + tail.replace(plain, told % name, 1)
    log_file.write_text(text)
    assert _told(tmp_path / "t")["email"] == {"comment": "the email"}
    output, extra = wide("b")
    commit(plan_for(tmp_path / "t", job_id=2, output=output), 10, extra)
    found = _told(tmp_path / "t")
    assert (found["email"], found["a"]) == ({"comment": "the email"}, {"comment": "the a"})
    assert found["b"] == found["age"] == {}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"}, id="texts of a bounded length"),
        pytest.param({"delta.generationExpression": "lower(name)"}, id="generated"),
        pytest.param({"delta.identity.start": 1, "delta.identity.step": 1}, id="numbered"),
        pytest.param({"CURRENT_DEFAULT": "'nobody'"}, id="filled where a job does not write it"),
        pytest.param({"delta.invariants": '{"expression": {"expression": "true"}}'}, id="checked"),
    ],
)
def test_s26_a_target_with_rules_for_a_column_is_refused(
    rule: dict[str, str | int], tmp_path: Path
) -> None:
    """Sail would commit what breaks them, longer texts say; Spark fails after all the work."""
    fields = [DeltaField("email", "string", metadata=rule), DeltaField("_ACP_BATCHID", "string")]
    DeltaTable.create(
        str(tmp_path / "t"), schema=DeltaSchema(fields), partition_by=["_ACP_BATCHID"]
    )
    with pytest.raises(JobFailed, match=r"column email, checked") as caught:
        check_target(plan_for(tmp_path / "t"), str(tmp_path / "t"))
    assert caught.value.code == "target-schema"


def test_no_reader_skips_a_file_for_nan(
    commit: Commit, spark: SparkSession, tmp_path: Path
) -> None:
    """Sail's least and greatest leave NaN out; readers took them for all that a file has."""
    output = struct_of(email="string", age="long", score="double")
    nan = F.when(F.col("id") == 4, F.lit(float("nan"))).otherwise(F.lit(1.5)).alias("score")
    made, _ = commit(plan_for(tmp_path / "t", output=output), 10, [nan])
    paths = [str(tmp_path / "t" / file.path) for file in made.files]
    read = spark.read.parquet(*paths)
    assert read.where(F.col("score") > F.lit(1.6)).count() == 1
