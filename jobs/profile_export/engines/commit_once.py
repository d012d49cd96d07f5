"""One commit of a job, whoever makes it, while others commit to the same table (S27).

The order of both engines: look whether the job has committed; ask whether it still may; see that
the target takes the export; try; and after a race that was lost, all of it again.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from profile_export.delta_log import TargetState, look
from profile_export.engines import Writing
from profile_export.errors import JobFailed
from profile_export.own_commit import OwnCommit, own_commit
from profile_export.schema import Struct
from profile_export.storage import Folder
from profile_export.target_rules import columns_with_export

TryToCommit = Callable[[TargetState | None, Struct], None]
"""Given a target's state, and its columns with those of the export, tries once. It may leave the
table as it is or prepare it only: whether the job has committed is looked up in the log."""


@dataclass(frozen=True)
class Tries:
    """How often an engine tries; in between it waits, each time twice as long.

    Attributes:
        most: How often.
        first_wait: Seconds.
        longest_wait: Seconds.
        lost_race: Whether another writer was faster, of what a try has raised.
    """

    most: int
    first_wait: float
    longest_wait: float
    lost_race: Callable[[Exception], bool]


def commit_once(
    writing: Writing, try_to_commit: TryToCommit, *, tries: Tries, check: Callable[[], None]
) -> OwnCommit:
    """Commit, or find the commit that was made before.

    Args:
        writing: What is committed, and where to. Whoever commits its application transaction first
            wins.
        try_to_commit: The engine's own way.
        tries: How often, and how far apart.
        check: Raises where the job is to stop; called before each try.

    Raises:
        JobFailed: ``target-schema``; ``target-busy`` after the last try; as ``try_to_commit`` does.
    """
    location, app_id = writing.location, writing.app_id
    for done in range(tries.most):
        if (made := own_commit(location, app_id)) is not None:
            return made  # not asked to stop any more
        check()
        state = look(location)  # after the check, which may take its time
        # Asked of the very state that the try builds on: were it another, the job's other process
        # could commit between the two looks. And where Delta forgets transactions, it would not see
        # the commit itself.
        if state is not None and state.has_committed(app_id):
            continue
        columns = columns_with_export(
            state, Folder(location), shown=writing.shown, columns=writing.columns
        )
        try:
            try_to_commit(state, columns)
        except Exception as error:  # Delta's own come from Spark as Py4JJavaError
            if (made := own_commit(location, app_id)) is not None:
                return made
            if not tries.lost_race(error):
                raise
            longest = min(tries.longest_wait, tries.first_wait * 2**done)
            time.sleep(random.uniform(0.5, 1) * longest)
    if (made := own_commit(location, app_id)) is not None:
        return made
    raise JobFailed(
        "Other writers kept committing to the target dataset; nothing was exported. Try again.",
        code="target-busy",
    )
