"""The papers of a job that a user names by its document, wherever that lies.

``job.json`` lies beside the manifest. A copy of it (what ``run --json`` printed, say) and the
document that a service gives name the job and its target dataset: that leads to the papers.
"""

from collections.abc import Mapping

from profile_export.catalog import Sandbox
from profile_export.errors import Problem, Refused
from profile_export.manifest import JOB, ROOT, papers_folder
from profile_export.papers import Papers


def job_papers(given: str, sandbox: Sandbox | None = None) -> Papers:
    """The papers of a job.

    Args:
        given: Its ``job.json``, the folder of that, a URI of either, or a copy of its document.
        sandbox: Where datasets lie now; else they lie where a copy's plan says.

    Raises:
        Refused: ``not-a-job``: a document without the plan, from which the papers are not found.
    """
    named = Papers(given, usual=JOB)
    if named.is_in_dataset:
        return named
    document = named.document()
    home = _home(document, sandbox)
    if home is not None:
        return home
    if "plan" not in document and {"id", "destination"} <= document.keys():
        detail = (
            f"{named.shown} is the document of job {document['id']} without its plan. Name the"
            f" job.json that the export left in its target: {{dataset}}/{ROOT}/{document['id']}."
        )
        raise Refused([Problem("not-a-job", detail)])
    return named


def _home(document: Mapping[str, object], sandbox: Sandbox | None) -> Papers | None:
    """The papers that a copy leads to; None where there are none."""
    job_id, location = document.get("id"), _target(document, sandbox)
    if not isinstance(job_id, int) or not isinstance(location, str):
        return None
    folder = papers_folder(location, job_id)
    return Papers(folder.location, usual=JOB) if folder.exists(JOB) else None


def _target(document: Mapping[str, object], sandbox: Sandbox | None) -> object:
    if sandbox is not None:
        dataset = sandbox.dataset(str(_at(document, "destination", "datasetId")))
        return dataset.table.location if dataset is not None else None
    return _at(document, "plan", "target", "table", "location")


def _at(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document
