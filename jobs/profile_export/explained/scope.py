"""The part of the tables that can matter to one identity, and a workspace that reads no more.

Cost: for ``none`` one pass over each table, of the identity columns and the asked top-level
columns. For ``pdg`` first one pass over the identity columns of all tables, then a few over the
narrow pairs that it leaves. Everything else, the stages included, works on this person's few rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.frames import union
from profile_export.frames.identities import staged
from profile_export.phases import components
from profile_export.plan import ExportPlan, Input
from profile_export.schema import quoted
from profile_export.stages import load

ROUNDS = 12
"""Steps from one identity to the next before the whole graph is taken: chains so long are rare."""


def keys_around(work: Workspace, plan: ExportPlan, key: str, *, rounds: int = ROUNDS) -> list[str]:
    """Identity keys that no row joins to any other, ``key`` among them; sorted.

    In ``none`` that is ``key`` alone. In ``pdg`` it is the component of ``key`` over ALL records,
    those that were replaced too. So it holds every row that decides what is current (S4), and the
    person (S6); the stages then find the person exactly. Breadth first from ``key``: as many passes
    over the pairs as the farthest identity has steps; after ``rounds`` all components at once.
    """
    if plan.merge_policy.graph == "none":
        return [key]
    joining = [i for i in plan.inputs if len(i.identities) or i.has_identity_map]
    if not joining:
        return [key]
    found = work.materialise(union(_pairs(work, source) for source in joining), "explain-pairs")
    known, frontier = {key}, [key]
    for _ in range(rounds):
        near = _neighbours(found, work.local_frame({"key": frontier}, "key string"))
        frontier = sorted(set(near) - known)
        if not frontier:
            return sorted(known)
        known.update(frontier)
    bound = found.agg(F.count(F.lit(1)).alias("edges"))
    everyone = components.find(found, bound=bound, work=work)
    of_key = everyone.where(F.col("key") == key).select("person")
    return sorted(_texts(everyone.join(of_key, on="person", how="left_semi").select("key")))


def carriers(work: Workspace, plan: ExportPlan, key: str, *, most: int) -> list[tuple[int, str]]:
    """Which rows carry an identity: (position of the dataset, primary identity key), some of them.

    One pass over the identity columns of all tables.
    """
    found = []
    for index, source in enumerate(plan.inputs):
        each = _narrow(work.read(source), source).select("pk", F.explode("ids.key").alias("key"))
        mine = each.where(F.col("key") == key).select(F.lit(index).alias("source"), "pk").distinct()
        found.append(mine.orderBy(F.col("pk").asc_nulls_last()).limit(most))
    rows = union(found).toArrow().to_pylist()
    return sorted((row["source"], row["pk"]) for row in rows if row["pk"] is not None)[:most]


def _narrow(table: DataFrame, source: Input) -> DataFrame:
    if source.kind == "profile":
        records = load.records(table, source=source)
        return load.record_rows(records, source=source, asked=()).select("pk", "ids")
    return load.event_rows(table, source=source).select("pk", "ids")


def _pairs(work: Workspace, source: Input) -> DataFrame:
    """``left`` (primary identity), ``right`` of every row; a null ``left`` equals nothing.

    There is no filter on it alone: Sail cannot push one on a lambda into a scan.
    """
    each = _narrow(work.read(source), source)
    exploded = each.select(F.col("pk").alias("left"), F.explode("ids.key").alias("right"))
    return exploded.where(F.col("left") != F.col("right"))


def _neighbours(pairs: DataFrame, frontier: DataFrame) -> Iterable[str]:
    ways = (("left", "right"), ("right", "left"))
    near = [
        pairs.select(F.col(here).alias("key"), F.col(there).alias("near"))
        .join(frontier, on="key", how="left_semi")
        .select("near")
        for here, there in ways
    ]
    return _texts(union(near).distinct())


def _texts(column: DataFrame) -> list[str]:
    return [str(text) for text in column.toArrow().column(0).to_pylist()]


class Scope:
    """A :class:`~profile_export.engines.Workspace` whose tables hold the rows of some keys only.

    Of an event dataset whose events are attached it also holds the events that share an ``_id``
    with those, since they may supersede them (S23).
    """

    def __init__(self, work: Workspace, plan: ExportPlan, keys: Sequence[str]) -> None:
        self.driver_edges = work.driver_edges
        self.vectorised = work.vectorised
        self._work = work
        self._plan = plan
        self._keys = work.local_frame({"pk": keys}, "pk string")
        self._read: dict[str, DataFrame] = {}
        self._made = count()

    def read(self, source: Input) -> DataFrame:
        """The rows of the keys, with the top-level columns that the plan needs; read once."""
        if source.dataset_id not in self._read:
            self._read[source.dataset_id] = self._restricted(source)
        return self._read[source.dataset_id]

    def materialise(self, frame: DataFrame, name: str) -> DataFrame:
        """As the workspace does, never into a folder that an earlier frame still reads."""
        return self._work.materialise(frame, f"explain-{next(self._made)}-{name}")

    def numbered(self, frame: DataFrame, column: str, name: str) -> DataFrame:
        return self._work.numbered(frame, column, f"explain-{next(self._made)}-{name}")

    def moved(self, frame: DataFrame, *_: str, shrinks: bool = False) -> DataFrame:
        """As it is."""
        del shrinks  # of so few rows nothing is gained
        return frame

    def local_frame(self, columns: Mapping[str, Sequence[object]], ddl: str) -> DataFrame:
        return self._work.local_frame(columns, ddl)

    def report(self, stage: str, fraction: float) -> None:
        self._work.report(stage, fraction)

    def _restricted(self, source: Input) -> DataFrame:
        names = [n for n in source.columns.names() if n in self._needed(source)]
        # Positional names beside the identity columns: the table may call a column anything.
        columns = {f"t{i}": F.col(quoted(name)) for i, name in enumerate(names)}
        positions = list(columns)
        keyed = staged(self._work.read(source), source, columns).select(*positions, "pk")
        mine = self.materialise(
            keyed.join(self._keys, on="pk", how="left_semi").select(*positions),
            self._name_of(source),
        )
        if source.kind == "experienceevent" and source.participates and self._plan.events:
            mine = self._with_rivals(mine, keyed, f"t{names.index('_id')}", source)
        renamed = [F.col(f"t{i}").alias(name) for i, name in enumerate(names)]
        return mine.select(*renamed)

    def _with_rivals(
        self, mine: DataFrame, keyed: DataFrame, id_column: str, source: Input
    ) -> DataFrame:
        same_id = keyed.join(mine.select(id_column).distinct(), on=id_column, how="left_semi")
        rivals = same_id.join(self._keys, on="pk", how="left_anti").select(*mine.columns)
        return self.materialise(mine.unionByName(rivals), self._name_of(source))

    def _name_of(self, source: Input) -> str:
        """By its place: the id of a dataset may be no name of a folder."""
        return f"input-{self._plan.place(source)}"

    def _needed(self, source: Input) -> set[str]:
        identities = [i.field for i in (source.primary_identity, *source.identities) if i]
        paths = [*identities, source.ingest_time, source.last_updated or ""]
        system = {"_id", "timestamp", "identityMap", "segmentMembership"}
        asked = self._plan.events.columns.names() if self._plan.events else []
        if source.kind == "profile":
            asked = self._plan.output.names()
        return {*(path.split(".")[0] for path in paths), *system, *asked}
