"""A job that did not succeed, on its way to ``_tell.py`` with its last document."""

from profile_export.errors import ExportError


class JobEnded(ExportError):
    """What ended a job, and the FAILED or CANCELLED document that tells of it."""

    def __init__(self, error: ExportError, document: dict[str, object]) -> None:
        super().__init__(str(error), code=error.code)
        self.title, self.status, self.exit_code = error.title, error.status, error.exit_code
        self.document = document
