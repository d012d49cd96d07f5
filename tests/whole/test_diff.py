"""diff of two exports that an engine made, with a change of the data between them."""

from pathlib import Path

from deltalake import DeltaTable, write_deltalake

from profile_export.diff import Diff, diff
from profile_export.engines import Engine
from small_sandbox import build, by_segment, crm, export, request


def changes(found: Diff) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (change, ":".join(found.identity(key)), leaves)
        for pair in found.pairs
        for change, key, leaves in pair.details()
    ]


def test_the_change_between_two_exports(engine: Engine, tmp_path: Path) -> None:
    file = build(tmp_path)
    before, segment = export(file, engine, request()), export(file, engine, by_segment())
    table = DeltaTable(str(tmp_path / "crm"))
    table.update(updates={"score": "99.5"}, predicate="id = 'c3'")
    table.delete("id = 'c1'")
    write_deltalake(str(tmp_path / "crm"), crm(range(6, 7)), mode="append")
    after = export(file, engine, request())
    found = diff(str(before), str(after))
    assert changes(found) == [
        ("added", "crmId:c6", ()),
        ("added", "email:p1@x.org", ()),
        ("removed", "crmId:c1", ()),
        ("changed", "crmId:c3", ("score",)),
    ]
    assert found.pairs[0].persons.same == 4
    assert diff(str(before), str(before)).equal
    after_segment = export(file, engine, by_segment())
    assert changes(diff(str(segment), str(after_segment))) == [
        ("added", "crmId:c6", ()),
        ("changed", "crmId:c3", ("score",)),
    ]
