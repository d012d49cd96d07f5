"""What differs between two exports: persons added, removed and changed, batch by batch."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from profile_export.diff.leaves import Leaves
from profile_export.diff.pairs import Pair, paired
from profile_export.diff.persons import KeySource, key_source
from profile_export.diff.rows import Persons, Reader, Side, unreadable
from profile_export.engines.batch_folders import batch_folder
from profile_export.errors import NotFound, Problem, Refused
from profile_export.identity_keys import parts_of
from profile_export.job_papers import job_papers
from profile_export.outputs import written_columns
from profile_export.papers import Manifest, ManifestBatch, see_of_one_job
from profile_export.plan import ExportPlan
from profile_export.rowset.hash_bytes import Unhashable
from profile_export.storage import Folder
from profile_export.widening import unite


@dataclass(frozen=True)
class PairDiff:
    """What became of the persons of a pair of batches."""

    pair: Pair
    persons: Persons

    def as_json(self) -> dict[str, object]:
        """Counts, for ``--json``."""
        found = self.persons
        return {
            "segment": self.pair.segment,
            "batchIdA": self.pair.a.batch_id if self.pair.a else None,
            "batchIdB": self.pair.b.batch_id if self.pair.b else None,
            "added": len(found.added),
            "removed": len(found.removed),
            "changed": len(found.changed),
            "same": found.same,
            "sharedKeys": found.shared,
            "changedLeaves": self.leaves(),
        }

    def leaves(self) -> dict[str, int]:
        """How many persons changed in each leaf, most first."""
        counted = Counter(leaf for _, leaves in self.persons.changed for leaf in leaves)
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))

    def details(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Change, key and changed leaves of every person that is not the same."""
        found = self.persons
        yield from (("added", key, ()) for key in found.added)
        yield from (("removed", key, ()) for key in found.removed)
        yield from (("changed", key, leaves) for key, leaves in found.changed)


@dataclass(frozen=True)
class Diff:
    """Two exports compared.

    Attributes:
        not_compared: Leaves whose types in the two exports nothing holds both of.
        namespaces: Lower-cased -> as the sandbox writes it.
    """

    jobs: tuple[int, int]
    pairs: tuple[PairDiff, ...]
    not_compared: tuple[str, ...]
    namespaces: dict[str, str]

    @property
    def equal(self) -> bool:
        """Whether both have the same persons with the same values in the same batches."""
        return not self.not_compared and not any(any(p.details()) for p in self.pairs)

    def identity(self, key: str) -> tuple[str, str]:
        """A person's key as (namespace, value), as the sandbox writes the namespace."""
        return parts_of(key, self.namespaces)

    def as_json(self) -> dict[str, object]:
        """Counts, for ``--json``."""
        return {
            "jobA": self.jobs[0],
            "jobB": self.jobs[1],
            "equal": self.equal,
            "notCompared": list(self.not_compared),
            "batches": [pair.as_json() for pair in self.pairs],
        }


@dataclass(frozen=True)
class _Export:
    dataset: Folder
    plan: ExportPlan
    manifest: Manifest
    source: KeySource

    @classmethod
    def of(cls, given: str) -> "_Export":
        papers = job_papers(given)
        plan = papers.plan()
        source = key_source(written_columns(plan), job=f"Job {plan.job_id}")
        # Of a copy that leads to no papers, its place is told before what is not beside it.
        dataset, manifest = papers.dataset, papers.manifest()
        see_of_one_job(manifest, plan)
        return cls(dataset, plan, manifest, source)

    def side(self, batch: ManifestBatch | None) -> Side:
        """The files of a batch, all of them there."""
        files = batch.files if batch else ()
        for file in files:
            is_ours = batch is not None and file.is_right_in(batch_folder(batch.batch_id))
            if not is_ours or not self._exists(file.path):
                detail = f"A file of job {self.plan.job_id} is missing: {file.path}."
                raise NotFound(detail, code="file-missing")
        return Side(self.dataset, [file.path for file in files], self.source)

    def _exists(self, path: str) -> bool:
        try:
            return self.dataset.exists(path)
        except OSError as error:
            raise unreadable(path, error) from error


def diff(job_a: str, job_b: str) -> Diff:
    """Compare two finished exports, from their files. Nothing is written.

    Numbers that are wider in one export than in the other compare by value, and a leaf that one of
    them lacks counts as null in it. Batches are paired by
    :func:`~profile_export.diff.pairs.paired`,
    persons by :mod:`~profile_export.diff.persons`.

    Args:
        job_a: The earlier ``job.json``, its folder or its URI.
        job_b: The later one.

    Raises:
        NotFound: a paper or a file is missing.
        Refused: what is named is no job of ours, its papers are of two jobs, its persons cannot be
            told apart, a file is damaged, or has values that only an engine can hash.
    """
    a, b = _Export.of(job_a), _Export.of(job_b)
    schemas = [(str(i), written_columns(export.plan)) for i, export in enumerate((a, b))]
    columns, conflicts = unite(schemas)
    by_primary = a.source.tells_primary and b.source.tells_primary
    reader = Reader(Leaves(columns), by_primary)
    try:
        pairs = tuple(
            PairDiff(pair, reader.compared(a.side(pair.a), b.side(pair.b)))
            for pair in paired(a.manifest.batches, b.manifest.batches)
        )
    except Unhashable as error:
        detail = f"The exports have rows that only an engine can hash: {error}."
        raise Refused([Problem("rows-unhashed", detail)]) from error
    return Diff(
        (a.plan.job_id, b.plan.job_id),
        pairs,
        tuple(sorted({path for path, _ in conflicts})),
        {**b.plan.namespaces, **a.plan.namespaces},
    )
