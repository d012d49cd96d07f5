"""The names under which SQL knows the export datasets of a sandbox (2-api.md, SQL)."""

import re

from profile_export.catalog import Dataset, Sandbox

_NO_NAME = re.compile(r"[^a-z0-9]")


class SqlTables(dict[str, Dataset]):
    """SQL names and what they are of. The number that a name was last given is kept, since any
    number of datasets may have one name."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def add(self, name: str, dataset: Dataset) -> str:
        """Name a dataset so, or with the next number that is free; gives its name."""
        number = self._numbers.get(name, 1)
        free = name
        while free in self:
            number += 1
            free = f"{name}_{number}"
        self._numbers[name] = number
        self[free] = dataset
        return free


def sql_tables(sandbox: Sandbox) -> SqlTables:
    """SQL name -> export dataset, in the order of the sandbox (oldest first).

    Each has these names: ``ds_{id}`` as it is, and its own name in lower case with ``_`` for all
    but letters and digits; ``ds_{id}`` too where that makes another of it, which needs no quotes.
    Of several of one name the first keeps it, later ones get ``_2``, ``_3``.
    """
    exports = [dataset for dataset in sandbox.datasets if dataset.kind == "export"]
    tables = SqlTables()
    for dataset in exports:
        tables.add(f"ds_{dataset.id}", dataset)
    for dataset in exports:
        if (plain := _plain(dataset.id)) != dataset.id:
            tables.add(f"ds_{plain}", dataset)
    for dataset in exports:
        tables.add(_plain(dataset.name), dataset)
    return tables


def sql_name(sandbox: Sandbox, dataset_id: str) -> str:
    """The name made of a dataset's own name, as its catalog object tells it (``tags``)."""
    names = [name for name, dataset in sql_tables(sandbox).items() if dataset.id == dataset_id]
    return names[-1]


def catalog_names(sandbox: Sandbox) -> dict[str, str]:
    """Dataset id -> the SQL name that its catalog object tells, of every dataset.

    Those that are no export datasets, which SQL does not see, are named behind all that are.
    """
    tables = sql_tables(sandbox)
    names = {dataset.id: name for name, dataset in tables.items()}  # ds_{id} comes before
    for dataset in sandbox.datasets:
        if dataset.kind != "export":
            names[dataset.id] = tables.add(_plain(dataset.name), dataset)
    return names


def _plain(text: str) -> str:
    return _NO_NAME.sub("_", text.lower())
