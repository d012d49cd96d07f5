"""Does ``job.json`` tell of the same job as the manifest beside it?"""

from collections.abc import Iterator

from profile_export.manifest import JOB
from profile_export.papers import Manifest
from profile_export.plan import ExportPlan
from profile_export.verified.findings import Finding


def job_findings(manifest: Manifest, plan: ExportPlan) -> Iterator[Finding]:
    """What the plan in ``job.json`` says otherwise of the job, its dataset, its batches."""
    planned = {batch.batch_id: batch.segment for batch in plan.batches}
    written = {batch.batch_id: batch.segment for batch in manifest.batches}
    told = (manifest.job_id, manifest.dataset_id, [*written])
    if (plan.job_id, plan.target.dataset_id, [*planned]) != told:
        yield Finding("job-differs", JOB, "is of another job, or has other batches")
    for batch_id in written.keys() & planned.keys():
        if planned[batch_id] != written[batch_id]:
            detail = f"has another segment of batch {batch_id} than the manifest"
            yield Finding("job-differs", JOB, detail)
