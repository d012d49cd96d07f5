"""How an input is read: what an engine finds out of it once, for all of a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files below a folder, with the columns that their ``key=value`` folders say."""

    location: str
    groups: Sequence[Sequence[str]]
    """At least one; files together have the same ``key=value`` folders."""
    stored: Mapping[str, pa.Schema] = field(default_factory=dict)
    """By a group's first file: the types that Arrow has stored in its files, where these have to be
    read so (``stored_types``)."""


@dataclass(frozen=True)
class Reading:
    """How what is read of an input are the values of its rows."""

    files: ParquetFiles | None = None
    """What is read in place of the table, or of the folder as it lies."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For Delta's reader."""
    tells_columns: bool = False
    """Whether Delta's reader is told the columns."""
    keys: Sequence[str] = ()
    """Columns of the ``key=value`` folders of a Parquet folder that is read as it lies, where the
    engine takes what stands for null there for a value."""
    misled: bool = False
    """Whether files' statistics would be taken for values, and are to be left alone."""
