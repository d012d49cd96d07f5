"""What is asked of ``explain``: which identity, in which export."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profile_export.errors import Problem, Refused

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.plan import ExportPlan


@dataclass(frozen=True)
class Question:
    """Which identity, in which export.

    Attributes:
        asked: ``NAMESPACE:VALUE`` as the user wrote it; the value may hold colons.
        plan: Of a job, or freshly made.
        sandbox: For the names of policies and segments, and the step of S9.
        job_id: Of the finished job, whose batch ids are then told; None for a fresh plan.
    """

    asked: str
    plan: "ExportPlan"
    sandbox: "Sandbox"
    job_id: int | None = None

    def key(self) -> str:
        """The identity as stages know it: namespace lower-cased, value trimmed of blanks (S2).

        Raises:
            Refused: ``bad-identity``.
        """
        from profile_export.identity_keys import key_of

        if problems := list(identity_problems(self.asked)):
            raise Refused(problems)
        namespace, _, value = self.asked.partition(":")
        return key_of(namespace, value)


def identity_problems(asked: str) -> Iterator[Problem]:
    """``bad-identity``: no namespace, or no value."""
    namespace, _, value = asked.partition(":")
    if not namespace or not value.strip(" "):
        detail = f"{asked!r} is no identity: write NAMESPACE:VALUE, as in email:ada@example.com."
        yield Problem("bad-identity", detail, parameter="--identity")
