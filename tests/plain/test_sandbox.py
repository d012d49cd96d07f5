"""Sandbox files, good and bad: one clear message for each mistake, with file, line and path."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profile_export.catalog import BUILT_IN_POLICY, MergePolicy, Sandbox
from profile_export.errors import Problem, Refused
from profile_export.plan import IdentityField
from profile_export.sandbox import load_sandbox

DOCUMENTED = """\
imsOrgId: acme@AcmeOrg
name: prod
settings: {maxIdentities: 50, maxEventsPerProfile: 100000}
datasets:
  - id: "5f0000000000000000000001"
    name: crm
    class: profile                      # profile | experienceevent | export
    table: {format: delta, path: crm}
    primaryIdentity: {namespace: crmId, field: _acme.crmId}
    identities: [{namespace: email, field: personalEmail.address}]
    ingestTime: _ingestedAt
    lastUpdated: extSourceSystemAudit.lastUpdatedDate     # optional
  - {id: "5f0000000000000000000003", name: web events, class: experienceevent,
     table: {format: parquet, path: web}, primaryIdentity: {namespace: ecid, field: ecid},
     ingestTime: _ingestedAt}
  - {id: "5b020a27e7040801dedba61b", name: Profile Data Export, class: export,
     table: {format: delta, path: exports/profile},
     schemaRef: {id: "https://ns.adobe.com/xdm/context/profile__union"}}
mergePolicies:
  - {id: crm-first, name: CRM first, version: 1, default: true,
     schema: {name: _xdm.context.profile}, identityGraph: {type: pdg},
     attributeMerge: {type: dataSetPrecedence, order: ["5f0000000000000000000001"]}}
segments:
  - {id: "4edc8488-2c35-4f6d-b4c6-9075c68d2df4", name: buyers, mergePolicyId: crm-first}
"""
HEAD = "imsOrgId: a\nname: b\n"
CRM = "{id: crm, class: profile, table: {path: crm}, ingestTime: t}"
POLICY = "identityGraph: {type: none}, attributeMerge: {type: timestampOrdered}"


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "sandbox.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(path: Path) -> list[Problem]:
    with pytest.raises(Refused) as caught:
        load_sandbox(path)
    return list(caught.value.problems)


def told(path: Path) -> list[tuple[str | None, str, str]]:
    return [(problem.source, problem.pointer, problem.code) for problem in problems(path)]


def test_the_documented_file(tmp_path: Path) -> None:
    sandbox = load_sandbox(write(tmp_path, DOCUMENTED))
    crm, web, out = sandbox.datasets
    assert (sandbox.ims_org_id, sandbox.name) == ("acme@AcmeOrg", "prod")
    assert (crm.id, crm.name, crm.kind) == ("5f0000000000000000000001", "crm", "profile")
    assert crm.primary_identity == IdentityField(namespace="crmId", field="_acme.crmId")
    assert (crm.ingest_time, crm.last_updated, crm.source) == (
        "_ingestedAt",
        "extSourceSystemAudit.lastUpdatedDate",
        "sandbox.yml:5",
    )
    assert (web.kind, web.table.format, web.source) == (
        "experienceevent",
        "parquet",
        "sandbox.yml:13",
    )
    assert out.schema_ref == "https://ns.adobe.com/xdm/context/profile__union"
    (policy,) = sandbox.merge_policies
    assert (policy.graph, policy.attribute_merge) == ("pdg", "dataSetPrecedence")
    assert sandbox.default_policy() == policy
    assert sandbox.settings.max_events_per_profile == 100_000
    assert sandbox.namespaces() == {"crmid": "crmId", "email": "email", "ecid": "ecid"}


@pytest.mark.parametrize(
    ("written", "location"),
    [
        ("crm", "{folder}/crm"),
        ("./a/../crm/", "{folder}/crm"),
        ("../crm", "{parent}/crm"),
        ("/srv/crm", "/srv/crm"),
        ("s3://bucket/crm", "s3://bucket/crm"),
        ("abfss://c@a.dfs.core.windows.net/crm/", "abfss://c@a.dfs.core.windows.net/crm"),
        ("file:///srv/my%20data/crm", "/srv/my data/crm"),
        ("file:data/crm", "{folder}/data/crm"),
        ("file:/srv/a#b", "/srv/a#b"),
        ("with blank", "{folder}/with blank"),
    ],
)
def test_a_table_path_is_relative_to_the_file(tmp_path: Path, written: str, location: str) -> None:
    text = (
        f'{HEAD}datasets: [{{id: a, class: profile, ingestTime: t, table: {{path: "{written}"}}}}]'
    )
    table = load_sandbox(write(tmp_path, text)).datasets[0].table
    assert table.location == location.format(folder=tmp_path, parent=tmp_path.parent)
    assert table.display == written


def test_a_table_may_have_a_name_instead(tmp_path: Path) -> None:
    text = f"{HEAD}datasets: [{{id: a, class: profile, ingestTime: t, table: {{name: c.s.t}}}}]"
    table = load_sandbox(write(tmp_path, text)).datasets[0].table
    assert (table.location, table.name, table.display) == (None, "c.s.t", "c.s.t")


BAD = {
    "empty file": ("", [("sandbox.yml:1", "", "wrong-type")]),
    "only a comment": ("# nothing\n", [("sandbox.yml:1", "", "wrong-type")]),
    "a list": ("- a\n", [("sandbox.yml:1", "", "wrong-type")]),
    "text": ("hello\n", [("sandbox.yml:1", "", "wrong-type")]),
    "no YAML": ("a: b\nc: [1,\n", [("sandbox.yml:3", "", "not-yaml")]),
    "a tab": ("a: b\n\tc: d\n", [("sandbox.yml:2", "", "not-yaml")]),
    "two documents": ("a: 1\n---\nb: 2\n", [("sandbox.yml:2", "", "not-yaml")]),
    "binary": (b"\x00\x01\xff\xfe", [("sandbox.yml:1", "", "not-yaml")]),
    "NUL": (b"a: \x00\n", [("sandbox.yml:1", "", "not-yaml")]),
    "very deep": ("[" * 2000, [("sandbox.yml:1", "", "not-yaml")]),
    "unknown alias": ("a: *b\n", [("sandbox.yml:1", "", "not-yaml")]),
    "missing members": (
        "settings: {}\n",
        [("sandbox.yml:1", "/imsOrgId", "missing"), ("sandbox.yml:1", "/name", "missing")],
    ),
    "a tag": (
        f"{HEAD}settings: !!python/object/apply:os.system [ls]\n",
        [("sandbox.yml:3", "/settings", "bad-value")],
    ),
    "a tag on text": (f"{HEAD}segments: !mine x\n", [("sandbox.yml:3", "/segments", "bad-value")]),
    "no date": (f"{HEAD}segments: 2024-99-99\n", [("sandbox.yml:3", "/segments", "bad-value")]),
    "duplicate key": (f"{HEAD}name: c\n", [("sandbox.yml:3", "/name", "duplicate-key")]),
    "a list as a key": (f"{HEAD}? [a]\n: 1\n", [("sandbox.yml:1", "", "wrong-type")]),
    "null": (f"{HEAD}datasets:\n", [("sandbox.yml:3", "/datasets", "wrong-type")]),
    "a number for text": ("imsOrgId: 5\nname: b\n", [("sandbox.yml:1", "/imsOrgId", "wrong-type")]),
    "setting 0": (
        f"{HEAD}settings:\n  maxIdentities: 0\n",
        [("sandbox.yml:4", "/settings/maxIdentities", "bad-value")],
    ),
    "setting true": (
        f"{HEAD}settings: {{maxEventsPerProfile: true}}\n",
        [("sandbox.yml:3", "/settings/maxEventsPerProfile", "wrong-type")],
    ),
    "setting too large": (
        f"{HEAD}settings: {{maxEventsPerProfile: 9999999999}}\n",
        [("sandbox.yml:3", "/settings/maxEventsPerProfile", "bad-value")],
    ),
    "unknown setting": (
        f"{HEAD}settings: {{maxIdentites: 5}}\n",
        [("sandbox.yml:3", "/settings/maxIdentites", "unknown-member")],
    ),
    "bad class": (
        f"{HEAD}datasets:\n  - {CRM.replace('profile', 'profil')}\n",
        [("sandbox.yml:4", "/datasets/0/class", "bad-value")],
    ),
    "bad format": (
        f"{HEAD}datasets:\n  - {CRM.replace('{path', '{format: csv, path')}\n",
        [("sandbox.yml:4", "/datasets/0/table/format", "bad-value")],
    ),
    "no table": (
        f"{HEAD}datasets:\n  - {CRM.replace('path: crm', '')}\n",
        [("sandbox.yml:4", "/datasets/0/table", "missing")],
    ),
    "path and name": (
        f"{HEAD}datasets:\n  - {CRM.replace('path: crm', 'path: crm, name: x')}\n",
        [("sandbox.yml:4", "/datasets/0/table", "bad-value")],
    ),
    "S5 no ingest time": (
        f"{HEAD}datasets:\n  - {CRM.replace(', ingestTime: t', '')}\n",
        [("sandbox.yml:4", "/datasets/0/ingestTime", "missing")],
    ),
    "an export that is read": (
        f"{HEAD}datasets:\n  - {CRM.replace('profile', 'export')}\n",
        [("sandbox.yml:4", "/datasets/0/ingestTime", "bad-value")],
    ),
    "an export in parquet": (
        f"{HEAD}datasets: [{{id: e, class: export, table: {{path: e, format: parquet}}}}]\n",
        [("sandbox.yml:3", "/datasets/0/table/format", "bad-value")],
    ),
    "identity without field": (
        f"{HEAD}datasets:\n  - {CRM[:-1]}, primaryIdentity: {{namespace: a}}}}\n",
        [("sandbox.yml:4", "/datasets/0/primaryIdentity/field", "missing")],
    ),
    "same dataset id": (
        f"{HEAD}datasets:\n  - {CRM}\n  - {CRM}\n",
        [("sandbox.yml:5", "/datasets/1/id", "duplicate-id")],
    ),
    "S9 same policy version": (
        f"{HEAD}mergePolicies:\n  - {{id: p, {POLICY}}}\n  - {{id: p, version: 1, {POLICY}}}\n",
        [("sandbox.yml:5", "/mergePolicies/1/id", "duplicate-id")],
    ),
    "S9 two defaults": (
        f"{HEAD}mergePolicies:\n  - {{id: p, default: true, {POLICY}}}\n"
        f"  - {{id: q, default: true, {POLICY}}}\n",
        [("sandbox.yml:5", "/mergePolicies/1/default", "several-defaults")],
    ),
    "S6 bad graph": (
        f"{HEAD}mergePolicies:\n  - {{id: p, {POLICY.replace('none', 'PDG')}}}\n",
        [("sandbox.yml:4", "/mergePolicies/0/identityGraph/type", "bad-value")],
    ),
    "S10 order missing": (
        f"{HEAD}mergePolicies:\n"
        f"  - {{id: p, {POLICY.replace('timestampOrdered', 'dataSetPrecedence')}}}\n",
        [("sandbox.yml:4", "/mergePolicies/0/attributeMerge/order", "missing")],
    ),
    "S10 order of unknown, export and repeated ids": (
        f"{HEAD}datasets:\n  - {CRM}\n  - {{id: out, class: export, table: {{path: o}}}}\n"
        "mergePolicies:\n  - id: p\n    identityGraph: {type: none}\n    attributeMerge:\n"
        "      type: dataSetPrecedence\n      order:\n      - crm\n      - cmr\n      - out\n"
        "      - crm\n",
        [
            ("sandbox.yml:13", "/mergePolicies/0/attributeMerge/order/1", "unknown-dataset"),
            ("sandbox.yml:14", "/mergePolicies/0/attributeMerge/order/2", "bad-value"),
            ("sandbox.yml:15", "/mergePolicies/0/attributeMerge/order/3", "bad-value"),
        ],
    ),
    "segment of an unknown policy": (
        f"{HEAD}segments:\n  - {{id: s, mergePolicyId: p}}\n",
        [("sandbox.yml:4", "/segments/0/mergePolicyId", "unknown-policy")],
    ),
    "same segment id": (
        f"{HEAD}segments:\n  - {{id: s}}\n  - {{id: s}}\n",
        [("sandbox.yml:5", "/segments/1/id", "duplicate-id")],
    ),
    "agreement of items that have faults": (
        f"{HEAD}datasets:\n  - {CRM.replace('profile', 'profil')}\n"
        f"  - {CRM.replace(', ingestTime: t', ', lastUpdated: 5')}\n"
        "  - {id: out, class: export, lastUpdated: 7, table: {format: csv, path: 'a[b'}}\n"
        "mergePolicies:\n"
        "  - {id: p, identityGraph: {type: zz}, attributeMerge: {type: dataSetPrecedence}}\n"
        "  - {id: p, default: 1, identityGraph: {type: none}, attributeMerge:"
        " {type: zz, order: [out, cmr]}}\n"
        "segments:\n  - {id: s, name: 5, mergePolicyId: q}\n  - {id: s}\n",
        [
            ("sandbox.yml:4", "/datasets/0/class", "bad-value"),
            ("sandbox.yml:5", "/datasets/1/lastUpdated", "wrong-type"),
            ("sandbox.yml:5", "/datasets/1/id", "duplicate-id"),
            ("sandbox.yml:5", "/datasets/1/ingestTime", "missing"),
            ("sandbox.yml:6", "/datasets/2/table/format", "bad-value"),
            ("sandbox.yml:6", "/datasets/2/lastUpdated", "wrong-type"),
            ("sandbox.yml:6", "/datasets/2/lastUpdated", "bad-value"),
            ("sandbox.yml:6", "/datasets/2/table/path", "path-pattern"),
            ("sandbox.yml:8", "/mergePolicies/0/identityGraph/type", "bad-value"),
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order", "missing"),
            ("sandbox.yml:9", "/mergePolicies/1/default", "wrong-type"),
            ("sandbox.yml:9", "/mergePolicies/1/attributeMerge/type", "bad-value"),
            ("sandbox.yml:9", "/mergePolicies/1/id", "duplicate-id"),
            ("sandbox.yml:9", "/mergePolicies/1/attributeMerge/order/0", "bad-value"),
            ("sandbox.yml:9", "/mergePolicies/1/attributeMerge/order/1", "unknown-dataset"),
            ("sandbox.yml:11", "/segments/0/name", "wrong-type"),
            ("sandbox.yml:11", "/segments/0/mergePolicyId", "unknown-policy"),
            ("sandbox.yml:12", "/segments/1/id", "duplicate-id"),
        ],
    ),
    "of an order one item is faulty, and others unknown and repeated": (
        f"{HEAD}datasets:\n  - {CRM}\nmergePolicies:\n  - id: p\n"
        "    identityGraph: {type: none}\n"
        "    attributeMerge: {type: dataSetPrecedence, order: [crm, 5, null, nope, crm]}\n",
        [
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order/1", "wrong-type"),
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order/2", "wrong-type"),
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order/3", "unknown-dataset"),
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order/4", "bad-value"),
        ],
    ),
    "an id is missing and another unknown": (
        f"{HEAD}datasets:\n  - {CRM.replace('id: crm, ', '')}\nmergePolicies:\n  - id: p\n"
        "    identityGraph: {type: none}\n"
        "    attributeMerge: {type: dataSetPrecedence, order: [nope]}\n",
        [
            ("sandbox.yml:4", "/datasets/0/id", "missing"),
            ("sandbox.yml:8", "/mergePolicies/0/attributeMerge/order/0", "unknown-dataset"),
        ],
    ),
    "faults of shape and of agreement at once": (
        f"{HEAD}colour: red\ndatasets:\n  - {CRM}\n  - {CRM}\nsegments:\n  - {{id: 5}}\n",
        [
            ("sandbox.yml:3", "/colour", "unknown-member"),
            ("sandbox.yml:6", "/datasets/1/id", "duplicate-id"),
            ("sandbox.yml:8", "/segments/0/id", "wrong-type"),
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_bad_files(
    tmp_path: Path, text: str | bytes, expected: list[tuple[str | None, str, str]]
) -> None:
    assert told(write(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("place", "path", "odd"),
    [
        (".", "a{1}b/t", "a{1}b"),
        (".", "/data/[x]/t", "[x]"),
        (".", "file:///data/t%2A", "t*"),
        (".", "s3://bucket/a?b/t", "a?b"),
        ("of [2024]", "t", "of [2024]"),
        (".", "out/pro%20file", "pro%20file"),
        (".", "back\\slash", "back\\slash"),
        ("a%2Fb", "t", "a%2Fb"),
        (".", "linked", "real {x}"),
    ],
)
def test_a_path_that_engines_take_for_another(
    place: str, path: str, odd: str, tmp_path: Path
) -> None:
    """Sail wrote the rows of a target ``a{1}b`` to ``a1b``; delta-rs panics at a ``[``, and looks
    for the log of ``a%20b`` in ``a b``: a job that had committed was told as failed."""
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / "linked").symlink_to("real {x}")
    text = f"{HEAD}datasets: [{{id: e, class: export, table: {{path: '{path}'}}}}]\n"
    (problem,) = problems(write(tmp_path / place, text))
    assert (problem.code, problem.pointer) == ("path-pattern", "/datasets/0/table/path")
    assert problem.detail.startswith(f"The path has {odd!r}, ")
    assert (problem.source or "").endswith("sandbox.yml:3")


def test_an_export_dataset_where_another_is_read(tmp_path: Path) -> None:
    text = f"""{HEAD}datasets:
  - {{id: e, class: export, table: {{path: 'file:data/../crm'}}}}
  - {{id: a, class: profile, ingestTime: t, table: {{path: crm}}}}
  - {{id: b, class: experienceevent, ingestTime: t, table: {{path: ./crm/}}}}
  - {{id: f, class: export, table: {{path: out}}}}
"""
    (problem,) = problems(write(tmp_path, text))
    assert (problem.code, problem.pointer) == ("path-in-use", "/datasets/0/table/path")
    assert problem.source == "sandbox.yml:4"


def test_a_missing_file(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "no.yml")
    assert problem.code == "file-unreadable"
    assert "No such file" in problem.detail


def test_a_folder(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert problem.code == "file-unreadable"
    assert problem.detail.endswith("Is a directory. Check its path.")
    (tmp_path / "sandbox.yml").write_text(HEAD, encoding="utf-8")
    (problem,) = problems(tmp_path)
    assert problem.detail.endswith(f"Is a directory. Did you mean '{tmp_path / 'sandbox.yml'}'?")


def test_an_unknown_member_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, f"{HEAD}setings: {{}}\n"))
    assert str(problem) == (
        "sandbox.yml:3: /setings: Unknown member 'setings'. Nearest: settings, segments, "
        "datasets. [unknown-member]"
    )


def test_a_number_as_id_is_told_to_be_quoted(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, f"{HEAD}segments: [{{id: 12345}}]\n"))
    assert problem.detail == "Must be a string, not a number. Put it in quotes."


def test_anchors_aliases_and_merges(tmp_path: Path) -> None:
    text = f"""{HEAD}
datasets:
  - &crm {CRM}
  - <<: *crm
    id: loyalty
  - <<: [*crm]
    id: third
    table: {{path: third}}
"""
    crm, loyalty, third = load_sandbox(write(tmp_path, text)).datasets
    assert (loyalty.id, loyalty.table) == ("loyalty", crm.table)
    assert third.table.display == "third"
    assert loyalty.source == "sandbox.yml:6"


def test_an_endless_alias_is_refused(tmp_path: Path) -> None:
    assert told(write(tmp_path, "&a [*a]\n"))[0][2] == "not-yaml"


def test_exponential_aliases_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"l{i}: &l{i} [{','.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 9))
    assert told(write(tmp_path, f"l0: &l0 [a]\n{levels}"))[0][2] == "not-yaml"


def test_rest_documents_can_be_pasted(tmp_path: Path) -> None:
    text = f"""{HEAD}
mergePolicies:
  - {{id: p, imsOrgId: a, sandbox: {{sandboxName: prod}}, isActiveOnEdge: false, updateEpoch: 1,
     {POLICY}}}
segments:
  - {{id: s, name: n, schema: {{name: _xdm.context.profile}}, creationTime: 1, updateTime: 2,
     expression: {{type: PQL, format: pql/text, value: "x"}}, mergePolicyId: {BUILT_IN_POLICY.id}}}
"""
    sandbox = load_sandbox(write(tmp_path, text))
    assert sandbox.segments[0].merge_policy_id == BUILT_IN_POLICY.id


def test_s2_namespaces_are_written_as_first_declared(tmp_path: Path) -> None:
    """Of a dataset the primary identity's is the first, wherever it stands."""
    text = """\
imsOrgId: a
name: b
datasets:
  - {id: x, class: profile, table: {path: x}, ingestTime: at,
     identities: [{namespace: CRMID, field: c}, {namespace: Email, field: e}],
     primaryIdentity: {namespace: crmId, field: c}}
  - {id: y, class: profile, table: {path: y}, ingestTime: at,
     primaryIdentity: {namespace: EMAIL, field: e}}
"""
    (tmp_path / "sandbox.yml").write_text(text, encoding="utf-8")
    found = load_sandbox(tmp_path / "sandbox.yml").namespaces()
    assert found == {"crmid": "crmId", "email": "Email"}


def policy(id_: str, version: int, *, default: bool = False) -> MergePolicy:
    return MergePolicy(id_, id_, version, "none", "timestampOrdered", default=default)


def test_s9_the_default_is_read_from_the_latest_version() -> None:
    old = policy("p", 1, default=True)
    assert Sandbox("a", "b", merge_policies=(policy("p", 2), old)).default_policy() is None
    new = policy("q", 3, default=True)
    assert Sandbox("a", "b", merge_policies=(old, policy("p", 2), new)).default_policy() == new


class Passes(tuple[MergePolicy, ...]):
    """Policies that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[MergePolicy]:
        self.times += 1
        return super().__iter__()


def test_the_latest_versions_of_many_policies_are_found_in_one_pass() -> None:
    """Each request without a policy of its own asks for the default among them all."""
    many = Passes(policy(f"p{n}", version) for n in range(50) for version in (2, 1))
    found = Sandbox("a", "b", merge_policies=many).latest_policies()
    assert [(each.id, each.version) for each in found] == [(f"p{n}", 2) for n in range(50)]
    assert many.times == 1


def test_a_default_of_an_old_version_is_no_second_default(tmp_path: Path) -> None:
    text = (
        f"{HEAD}mergePolicies:\n  - {{id: p, version: 1, default: true, {POLICY}}}\n"
        f"  - {{id: p, version: 2, {POLICY}}}\n  - {{id: q, default: true, {POLICY}}}\n"
    )
    default = load_sandbox(write(tmp_path, text)).default_policy()
    assert default is not None
    assert default.id == "q"


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{}\n '\"&*!?#|><,%@`0.", max_size=60))
def test_no_file_raises_anything_but_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(Refused):
        load_sandbox(write(tmp_path, text))
