"""The papers of a finished job, read back: its manifest and ``job.json``, wherever they lie now.

Paths in a manifest are relative to the dataset folder, two levels above the manifest's own: so a
dataset that was moved as a whole is still verified, rerun and compared.
"""

import json
import os
import re
from contextlib import suppress
from typing import Annotated, Literal, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError
from pydantic.alias_generators import to_camel

from profile_export.errors import NotFound, Problem, Refused
from profile_export.manifest import JOB, MANIFEST, ROOT
from profile_export.plan import ExportPlan
from profile_export.shape import pointer
from profile_export.storage import Folder, reason

_BATCH_ID = r"[A-Za-z0-9_-]{1,128}"
_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")
_Count = Annotated[StrictInt, Field(ge=0)]
_Paper = TypeVar("_Paper", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class ManifestFile(_Part):
    """One Parquet file. Its path is not to be followed before :meth:`is_right_in` says so."""

    path: StrictStr
    bytes: _Count
    rows: _Count
    sha256: StrictStr

    def is_right_in(self, folder: str) -> bool:
        """Whether the path is that of a file directly in ``folder``, and nothing else."""
        above, _, name = self.path.partition("/")
        return above == folder and name not in ("", ".", "..") and not _NO_NAME.search(name)


class ManifestBatch(_Part):
    """One batch."""

    batch_id: Annotated[StrictStr, Field(pattern=f"^{_BATCH_ID}$")]
    segment: dict[str, object]
    record_count: _Count
    event_count: _Count
    bytes: _Count
    row_set_hash: StrictStr
    files: tuple[ManifestFile, ...]


class Manifest(_Part):
    """What verification needs of a manifest; members that later versions add do not matter."""

    manifest_version: Literal[1]
    job_id: StrictInt
    dataset_id: StrictStr
    delta_version: _Count
    candidates: _Count
    exclusions: dict[str, int]
    events_truncated: dict[str, int]
    rows_without_identity: dict[str, int]
    batches: Annotated[tuple[ManifestBatch, ...], Field(min_length=1)]


def see_of_one_job(manifest: Manifest, plan: ExportPlan) -> None:
    """See that a manifest is of the job of a plan.

    Raises:
        Refused: ``other-job``.
    """
    ids = [batch.batch_id for batch in plan.batches]
    if [batch.batch_id for batch in manifest.batches] != ids:
        detail = f"The manifest beside the job is of job {manifest.job_id}, with other batches."
        raise Refused([Problem("other-job", detail, parameter="JOB")])


class _Job(_Part):
    """What is needed of ``job.json``."""

    plan: ExportPlan


class Papers:
    """A job's paper that a user named, and what lies beside it.

    Attributes:
        shown: What the user named, as messages show it.
        folder: The folder of the paper: ``{dataset}/_profile_export/{jobId}``.
    """

    def __init__(self, given: str, *, usual: str) -> None:
        """Find the paper.

        Args:
            given: A file, a folder with a file ``usual`` in it, or a URI of either.
            usual: ``manifest.json`` or ``job.json``.
        """
        self._usual = usual
        self._given = self.shown = given
        self._find(given if "://" in given else os.path.abspath(given))
        if "://" not in given and not self.is_in_dataset:
            self._find(os.path.realpath(given))  # it may be a link to what does

    def _find(self, place: str) -> None:
        place = place.rstrip("/") or "/"
        try:
            is_folder = _is_folder(place)
        except pa.ArrowInvalid:
            what = {MANIFEST: "manifest", JOB: "job"}[self._usual]
            detail = f"{self.shown} cannot be read as a {what}: it is no address of a file system."
            raise Refused([Problem(f"not-a-{what}", detail)]) from None
        if is_folder:
            self.shown, self._name = f"{self._given.rstrip('/')}/{self._usual}", self._usual
        else:
            place, _, self._name = place.rpartition("/")
        self.folder = Folder(place or "/")

    @property
    def is_in_dataset(self) -> bool:
        """Whether the paper lies where a job leaves it."""
        return self.folder.location.rpartition("/")[0].rpartition("/")[2] == ROOT

    @property
    def dataset(self) -> Folder:
        """The dataset folder.

        Raises:
            Refused: ``misplaced``: the paper does not lie in a dataset.
        """
        above = self.folder.location.rpartition("/")[0].rpartition("/")[0]
        if not self.is_in_dataset:
            detail = (
                f"{self.shown} does not lie in a dataset: name the one at"
                f" {{dataset}}/{ROOT}/{{job id}}/{self._usual}."
            )
            raise Refused([Problem("misplaced", detail)])
        return Folder(above or "/")

    def manifest(self) -> Manifest:
        """The manifest: what was named, or what lies beside it.

        Raises:
            NotFound: ``manifest-missing``.
            Refused: ``not-a-manifest``, naming what is wrong with it.
        """
        return self._read(MANIFEST, Manifest, "manifest")

    def plan(self) -> ExportPlan:
        """The plan in ``job.json``: what was named, or what lies beside it.

        Raises:
            NotFound: ``job-missing``.
            Refused: ``not-a-job``, naming what is wrong with it.
        """
        return self._read(JOB, _Job, "job").plan

    def document(self) -> dict[str, object]:
        """What was named, unchecked; ``{}`` where it is no JSON object."""
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(self.folder.read(self._name))
            return found if isinstance(found, dict) else {}
        return {}

    def _read(self, usual: str, model: type[_Paper], what: str) -> _Paper:
        name = self._name if usual == self._usual else usual
        shown = (
            self.shown if usual == self._usual else os.path.join(os.path.dirname(self.shown), usual)
        )
        try:
            return model.model_validate(json.loads(self.folder.read(name)))
        except FileNotFoundError:
            raise NotFound(
                f"There is no {what} at {shown}. Check the path.", code=f"{what}-missing"
            ) from None
        except ValidationError as error:
            raise Refused([_fault(error, shown, what)]) from None
        except (OSError, ValueError, RecursionError) as error:
            why = reason(error) if isinstance(error, OSError) else "it is no JSON document"
            detail = f"{shown} cannot be read as a {what}: {why or 'an input or output error'}."
            raise Refused([Problem(f"not-a-{what}", detail)]) from None


def _is_folder(place: str) -> bool:
    try:
        return Folder(place).has_folder()
    except OSError:  # it may not even be looked at: reading the paper says why
        return False


def _fault(error: ValidationError, shown: str, what: str) -> Problem:
    """The first thing that a document lacks to be a paper of ours, and how much more there is."""
    full = {"manifest": "the manifest of an export", "job": "the job.json of an export"}[what]
    first, *others = error.errors()
    more = f" ({len(others)} more faults)" if others else ""
    detail = f"{shown} is not {full}: {first['msg']}{more}."
    return Problem(f"not-a-{what}", detail, pointer(*first["loc"]))
