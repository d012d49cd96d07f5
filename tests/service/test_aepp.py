"""A public client of Adobe's API, changed in nothing but the host."""

import time
from collections.abc import Iterator
from io import BytesIO

import aepp
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aepp import catalog, customerprofile, dataaccess, segmentation
from deltalake import write_deltalake

import serving
import small_sandbox
from service.live import Live, started

pytestmark = pytest.mark.xdist_group("serve")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service of its own: data sets are made in it, and break."""
    yield from started(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def _configured(live: Live) -> None:
    aepp.configure(
        org_id=serving.ORG,
        client_id="tests",
        secret="none",
        scopes="none",
        sandbox=serving.NAME,
        environment="support",
        accesstoken=live.token,
        endpoint=live.url,
    )
    aepp.config.header["Authorization"] = f"Bearer {live.token}"
    aepp.config.config_object["connectionType"] = "support"


@pytest.mark.usefixtures("_configured")
class TestAepp:
    def test_an_export_from_the_request_to_its_rows(self) -> None:
        profile = customerprofile.Profile()
        datasets = catalog.Catalog()
        made = datasets.createDataSet(
            {
                "name": "By aepp",
                "schemaRef": {
                    "id": "https://ns.adobe.com/xdm/context/profile__union",
                    "contentType": "application/vnd.adobe.xed+json;version=1",
                },
            }
        )
        (place,) = made
        dataset_id = place.removeprefix("@/datasets/")
        assert len(dataset_id) == 24
        job = profile.createExportJob(
            datasetId=dataset_id, fields=["email", "identities.id"], mergePolicyId="stitch"
        )
        assert job["status"] == "NEW", job
        job = _ended(profile, job["id"])
        assert job["status"] == "SUCCEEDED", job
        batch_id = job["destination"]["batchId"]
        batch = datasets.getBatch(batch_id)[batch_id]
        assert batch["recordCount"] == job["metrics"]["totalExportedProfileCounter"] > 0
        assert _rows(batch_id) == batch["recordCount"]

    def test_what_has_failed(self, live: Live) -> None:
        profile, datasets = customerprofile.Profile(), catalog.Catalog()
        union = "https://ns.adobe.com/xdm/context/profile__union"
        (place,) = datasets.createDataSet(name="Of another type", schemaId=union)
        dataset_id = place.removeprefix("@/datasets/")
        others = pa.table({"email": [1], "_ACP_BATCHID": ["b"]})
        write_deltalake(live.folder / dataset_id, others, partition_by=["_ACP_BATCHID"])
        job = profile.createExportJob(
            datasetId=dataset_id, fields=["email"], mergePolicyId="stitch"
        )
        assert _ended(profile, job["id"])["status"] == "FAILED"
        (failed,) = datasets.getFailedBatchesDF().to_dict("records")
        assert failed["dataSetId"] == dataset_id
        assert failed["errorCode"] == ["target-schema"]
        assert failed["sandbox"] == serving.NAME

    def test_jobs_are_listed_shown_and_cancelled(self) -> None:
        profile = customerprofile.Profile()
        first = profile.createExportJob(
            {
                "destination": {"datasetId": small_sandbox.TARGET},
                "schema": {"name": "_xdm.context.profile"},
            }
        )
        listed = profile.getExportJobs(limit=1)
        assert [record["id"] for record in listed["records"]] == [first["id"]]
        profile.deleteExportJob(first["id"])
        assert _ended(profile, first["id"])["status"] in ("CANCELLED", "SUCCEEDED")

    def test_merge_policies_page_by_page(self) -> None:
        profile = customerprofile.Profile()
        policy = profile.createMergePolicy(
            {
                "name": "By aepp",
                "identityGraph": {"type": "pdg"},
                "attributeMerge": {"type": "timestampOrdered"},
                "schema": {"name": "_xdm.context.profile"},
            }
        )
        found = profile.getMergePolicies(limit=1)
        assert policy["id"] in [each["id"] for each in found]
        assert len(found) == len({each["id"] for each in found})
        patched = profile.patchMergePolicy(
            policy["id"], [{"op": "add", "path": "/name", "value": "Renamed"}]
        )
        assert (patched["name"], patched["version"]) == ("Renamed", 2)
        whole = profile.getMergePolicy(policy["id"])
        assert profile.updateMergePolicy(policy["id"], whole)["version"] == 3
        profile.deleteMergePolicy(policy["id"])
        assert policy["id"] not in [each["id"] for each in profile.getMergePolicies()]

    def test_segments(self) -> None:
        segments = segmentation.Segmentation()
        made = segments.createSegment(
            {
                "name": "By aepp",
                "description": "Nobody.",
                "expression": {"type": "PQL", "format": "pql/text", "value": "false"},
                "schema": {"name": "_xdm.context.profile"},
                "ttlInDays": 30,
            }
        )
        assert segments.getSegment(made["id"])["name"] == "By aepp"
        assert made["id"] in [each["id"] for each in segments.getSegments()]
        segments.deleteSegment(made["id"])
        assert made["id"] not in [each["id"] for each in segments.getSegments()]

    def test_data_sets_with_all_that_the_client_looks_at(self) -> None:
        datasets = catalog.Catalog()
        found = datasets.getDataSets(output="list")
        assert {small_sandbox.TARGET} <= {each["id"] for each in found}
        assert datasets.data.table_names


def _ended(profile: customerprofile.Profile, job_id: int) -> dict:  # type: ignore[type-arg]
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        job = profile.getExportJob(job_id)
        if job["status"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"job {job_id} did not end")


def _rows(batch_id: str) -> int:
    access = dataaccess.DataAccess()
    rows = 0
    for file in access.getBatchFiles(batch_id):
        for part in access.getFiles(file["dataSetFileId"])["data"]:
            content: BytesIO = access.getFiles(file["dataSetFileId"], path=part["name"])
            rows += pq.read_table(content).num_rows
    return rows
