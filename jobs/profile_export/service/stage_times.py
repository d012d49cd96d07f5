"""How long the stages of a job took, from its reports of progress."""

import time

from profile_export.engines.workspace import Progress


class StageTimes:
    """Passes progress on, and notes when each stage began; a stage ends where the next begins.

    Args:
        then: Called with every report.
    """

    def __init__(self, then: Progress) -> None:
        self._then = then
        self._begun: list[tuple[str, float]] = [("start", time.monotonic())]

    def report(self, stage: str, fraction: float) -> None:
        """As :data:`~profile_export.engines.workspace.Progress`."""
        self._begun.append((stage, time.monotonic()))
        self._then(stage, fraction)

    def seconds(self) -> dict[str, float]:
        """By stage, until now."""
        found: dict[str, float] = {}
        ends = [at for _, at in self._begun[1:]] + [time.monotonic()]
        for (stage, begun), ended in zip(self._begun, ends, strict=True):
            found[stage] = found.get(stage, 0.0) + ended - begun
        return found
