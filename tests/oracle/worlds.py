"""A seeded generator of nasty little worlds: a sandbox, its tables, and a request on them.

The same seed and size give the same world. `python -m oracle.worlds SEED SIZE` shows one.
"""

import json
import sys
from datetime import datetime
from random import Random
from typing import Any

from .catalog import EVENT, as_path, read_sandbox
from .random_requests import random_request
from .random_rows import AS_OF, SEGMENTS, RowMaker
from .random_schemas import IDENTITY_FIELDS, random_dataset
from .values import at

EXPORT_ID = "5b020a27e7040801dedba61b"
UNION_SCHEMA = "https://ns.adobe.com/xdm/context/profile__union"
SCHEMA_NAME = "_xdm.context.profile"


def _order(rng: Random, datasets: list[dict[str, Any]]) -> list[str]:
    """Some of the datasets in any order, at least one of them of records."""
    profiles = [item["id"] for item in datasets if item["class"] == "profile"]
    events = [item["id"] for item in datasets if item["class"] != "profile"]
    order = rng.sample(profiles, rng.randint(1, len(profiles)))
    if events and rng.random() < 0.4:
        order += rng.sample(events, rng.randint(1, len(events)))
    return rng.sample(order, len(order))


def _policies(rng: Random, datasets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to three policies, some of several versions; at most one latest version is default."""
    policies: list[dict[str, Any]] = []
    default = rng.choice(["mp1", "mp2", "none of them"])
    for policy_id in rng.sample(["mp1", "mp2", "mp3"], rng.randint(0, 3)):
        versions = rng.choice([1, 1, 2])
        for version in range(1, versions + 1):
            merge: dict[str, Any] = {"type": "timestampOrdered"}
            if rng.random() < 0.5:
                merge = {"type": "dataSetPrecedence", "order": _order(rng, datasets)}
            policies.append(
                {
                    "id": policy_id,
                    "name": f"Policy {policy_id}",
                    "version": version,
                    "default": policy_id == default and version == versions,
                    "schema": {"name": SCHEMA_NAME},
                    "identityGraph": {"type": rng.choice(["none", "pdg", "pdg"])},
                    "attributeMerge": merge,
                }
            )
    return policies


def _segment_definitions(rng: Random, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    definitions = []
    for segment_id in rng.sample(SEGMENTS, rng.randint(0, len(SEGMENTS))):
        definition: dict[str, Any] = {"id": segment_id, "name": f"Segment {segment_id}"}
        if policies and rng.random() < 0.6:
            definition["mergePolicyId"] = rng.choice(policies)["id"]
        definitions.append(definition)
    return definitions


def _export_dataset() -> dict[str, Any]:
    return {
        "id": EXPORT_ID,
        "name": "Profile Data Export",
        "class": "export",
        "table": {"format": "delta", "path": "exports/profile"},
        "schemaRef": {"id": UNION_SCHEMA},
    }


def _sandbox(rng: Random) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    kinds = ["profile"] * rng.randint(1, 4) + ["experienceevent"] * rng.choice([0, 1, 1, 2, 3])
    # The fewer there are, the more of the datasets speak of the same people.
    known = rng.sample(sorted(IDENTITY_FIELDS), rng.choice([1, 2, 2, 3]))
    made = [random_dataset(rng, number, kind, known) for number, kind in enumerate(kinds)]
    rng.shuffle(made)
    datasets = [document for document, _ in made]
    policies = _policies(rng, datasets)
    document = {
        "imsOrgId": "acme@AcmeOrg",
        "name": "prod",
        "settings": {
            "maxIdentities": rng.choice([3, 5, 8, 50, 50]),
            "maxEventsPerProfile": rng.choice([1, 2, 100_000]),
        },
        "datasets": [*datasets, _export_dataset()],
        "mergePolicies": policies,
        "segments": _segment_definitions(rng, policies),
    }
    tables = {item["table"]["path"]: {"columns": columns, "rows": []} for item, columns in made}
    return document, tables


def random_world(seed: int, *, size: int) -> tuple[dict[str, Any], dict[str, Any], datetime]:
    """A world {"sandbox", "tables"}, a valid request on it, and the creation time.

    There are about `size` rows in a table, and as many values of each identity namespace.
    """
    rng = Random(seed)
    document, tables = _sandbox(rng)
    world = {"sandbox": document, "tables": tables}
    maker = RowMaker(rng, size)
    for dataset, item in zip(read_sandbox(world).datasets, document["datasets"], strict=False):
        most = size * (4 if dataset.kind == EVENT else 2)
        count = 0 if rng.random() < 0.05 else rng.randint(1, most)
        tables[item["table"]["path"]]["rows"] = maker.rows(dataset, count)
    request = random_request(rng, read_sandbox(world))
    return world, request, AS_OF


def stitched_world(seed: int, *, size: int) -> tuple[dict[str, Any], dict[str, Any], datetime]:
    """A random world whose identities are all declared by fields, of records only, and joined by a
    graph; no primary identity has several records in a dataset."""
    world, request, as_of = random_world(seed, size=size)
    for item in world["sandbox"]["datasets"]:
        if item["class"] == "export":
            continue
        if "primaryIdentity" not in item:
            # One that declares none has an identity map to take it from.
            item["primaryIdentity"] = item["identities"].pop(0)
        table = world["tables"][item["table"]["path"]]
        table["columns"].pop("identityMap", None)
        for row in table["rows"]:
            row.pop("identityMap", None)
        if item["class"] == "experienceevent":
            item.pop("identities", None)
        else:
            field = item["primaryIdentity"]["field"]
            by_identity = {_trimmed(row, field): row for row in table["rows"]}
            table["rows"] = list(by_identity.values())
    for policy in world["sandbox"]["mergePolicies"]:
        policy["identityGraph"] = {"type": "pdg"}
    return world, request, as_of


def _trimmed(row: dict[str, Any], field: str) -> str:
    value = at(row, as_path(field))
    return "" if value is None else str(value).strip(" ")


if __name__ == "__main__":
    shown = random_world(int(sys.argv[1]), size=int(sys.argv[2]))
    sys.stdout.write(json.dumps(shown[:2], indent=1, ensure_ascii=False) + "\n")
