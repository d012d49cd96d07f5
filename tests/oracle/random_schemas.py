"""Random datasets of a sandbox: their columns, and what they declare of identities and times.

Across datasets one path may have any type of its family, all of which widen to a common one (S12).
"""

from random import Random
from typing import Any

# Namespace, the field that carries it, and the types that the field may have.
IDENTITY_FIELDS: dict[str, tuple[str, list[str]]] = {
    "crmid": ("_acme.crmId", ["string"]),
    "email": ("personalEmail.address", ["string"]),
    "ecid": ("ecid", ["string"]),
    "loyalty": ("loyaltyNo", ["smallint", "int", "bigint"]),
}
SPELLINGS: dict[str, list[str]] = {
    "crmid": ["crmId", "CRMID", "crmid"],
    "email": ["Email", "email", "EMAIL"],
    "ecid": ["ECID", "ecid"],
    "loyalty": ["loyalty", "Loyalty"],
    "phone": ["Phone", "phone"],
}
WHOLE = ["tinyint", "smallint", "int", "bigint"]

PROFILE_FAMILIES: dict[str, list[str]] = {
    "personName.first": ["string"],
    "personName.last": ["string"],
    "_acme.tier": ["string"],
    "_acme.deep.x": WHOLE,
    "_acme.deep.y.z": ["string"],
    "score": [*WHOLE, "float", "double"],
    "rate": ["float", "double"],
    "balance": ["decimal(8,2)", "decimal(10,4)", "decimal(6,0)", "decimal(38,10)"],
    "birthDate": ["date"],
    "createdAt": ["timestamp"],
    "optIn": ["boolean"],
    "photo": ["binary"],
    "tags": ["array<string>"],
    "scores": ["array<int>", "array<bigint>", "array<double>"],
    "addresses": [
        "array<struct<city:string,zip:int>>",
        "array<struct<zip:bigint,geo:struct<lat:double,lon:float>>>",
        "array<struct<geo:struct<lon:double>,city:string>>",
    ],
    "prefs": ["map<string,string>"],
    "counts": ["map<string,int>", "map<string,bigint>", "map<string,double>"],
    "byNumber": ["map<int,string>"],
    "devices": ["map<string,struct<kind:string,year:int>>", "map<string,struct<year:bigint>>"],
}
EVENT_FAMILIES: dict[str, list[str]] = {
    "web.url": ["string"],
    "web.page.name": ["string"],
    "web.page.views": [*WHOLE, "double"],
    "device.kind": ["string"],
    "items": [
        "array<struct<sku:string,qty:int>>",
        "array<struct<qty:bigint,price:decimal(9,2)>>",
        "array<struct<sku:string,price:decimal(11,3)>>",
    ],
    "amount": ["decimal(9,2)", "decimal(12,3)"],
    "props": ["map<string,string>"],
    "flag": ["boolean"],
}
IDENTITY_MAPS = [
    "map<string,array<struct<id:string,authenticatedState:string,primary:boolean>>>",
    "map<string,array<struct<primary:boolean,id:string>>>",
]
DATED_MEMBERSHIPS = [
    "map<string,map<string,struct<lastQualificationTime:timestamp,status:string,"
    "validUntil:timestamp>>>",
    "map<string,map<string,struct<validUntil:timestamp,status:string,"
    "lastQualificationTime:timestamp,version:string>>>",
]
MEMBERSHIPS = [
    *DATED_MEMBERSHIPS * 2,
    "map<string,map<string,struct<status:string,lastQualificationTime:timestamp>>>",
    "map<string,map<string,struct<status:string>>>",
]


def _columns(leaf_types: dict[str, str]) -> dict[str, str]:
    """Dotted leaves to DDL columns."""
    tree: dict[str, Any] = {}
    for dotted, ddl in leaf_types.items():
        *above, name = dotted.split(".")
        inner = tree
        for step in above:
            inner = inner.setdefault(step, {})
        inner[name] = ddl
    return {name: _ddl(inner) for name, inner in tree.items()}


def _ddl(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    return "struct<" + ",".join(f"{name}:{_ddl(inner)}" for name, inner in tree.items()) + ">"


def _leaf_types(rng: Random, kind: str) -> dict[str, str]:
    families = PROFILE_FAMILIES if kind == "profile" else EVENT_FAMILIES
    chosen = rng.sample(sorted(families), rng.randint(2, len(families)))
    return {path: rng.choice(families[path]) for path in chosen}


def _declare_identities(
    rng: Random, document: dict[str, Any], types: dict[str, str], known: list[str]
) -> None:
    namespaces = rng.sample(known, rng.randint(1, len(known)))
    pairs = []
    for namespace in namespaces:
        field, kinds = IDENTITY_FIELDS[namespace]
        types[field] = rng.choice(kinds)
        pairs.append({"namespace": rng.choice(SPELLINGS[namespace]), "field": field})
    if rng.random() < 0.75:
        document["primaryIdentity"] = pairs.pop(0)
    if "primaryIdentity" not in document or rng.random() < 0.4:
        types["identityMap"] = rng.choice(IDENTITY_MAPS)
    if pairs:
        document["identities"] = pairs


def _declare_times(rng: Random, document: dict[str, Any], types: dict[str, str]) -> None:
    document["ingestTime"] = rng.choice(["_ingestedAt", "_ingestedAt", "_meta.ingestedAt"])
    types[document["ingestTime"]] = "timestamp"
    other = "_ingestedAt" if "." in document["ingestTime"] else "_meta.ingestedAt"
    if rng.random() < 0.3:
        # Here an ordinary column, though another dataset may declare it.
        types[other] = "timestamp"
    if document["class"] == "profile" and rng.random() < 0.6:
        document["lastUpdated"] = "extSourceSystemAudit.lastUpdatedDate"
        types["extSourceSystemAudit.lastUpdatedDate"] = "timestamp"


def _system_columns(rng: Random, kind: str, types: dict[str, str]) -> None:
    if kind == "experienceevent":
        types |= {"_id": "string", "timestamp": "timestamp"}
        return
    if rng.random() < 0.7:
        types["segmentMembership"] = rng.choice(MEMBERSHIPS)
    if rng.random() < 0.6:
        # Never merged, so its types need not agree.
        types["_id"] = rng.choice(["string", "string", "bigint"])
    if rng.random() < 0.08:
        types["timeSeriesEvents"] = "string"
    if rng.random() < 0.08:
        types["identities"] = "array<string>"


def random_dataset(
    rng: Random, number: int, kind: str, known: list[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The sandbox entry of a dataset, and its columns. Its identities are of known namespaces."""
    # Ids whose string order is not the sandbox's order.
    dataset_id = f"{rng.randint(0, 9)}f{number:02d}" + "0" * 20
    name = f"{kind[:5]}{number}"
    document: dict[str, Any] = {
        "id": dataset_id,
        "name": name,
        "class": kind,
        "table": {"format": rng.choice(["delta", "parquet"]), "path": name},
    }
    types = _leaf_types(rng, kind)
    _declare_identities(rng, document, types, known)
    _declare_times(rng, document, types)
    _system_columns(rng, kind, types)
    shuffled = rng.sample(sorted(types), len(types))
    return document, _columns({path: types[path] for path in shuffled})
