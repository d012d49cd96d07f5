"""Which batch of one export is held against which of another."""

from collections.abc import Sequence
from dataclasses import dataclass

from profile_export.papers import ManifestBatch


@dataclass(frozen=True)
class Pair:
    """Two batches of the same segment, or one alone."""

    a: ManifestBatch | None
    b: ManifestBatch | None

    @property
    def segment(self) -> dict[str, object]:
        """The segment item, ``{}`` for a batch of everybody."""
        either = self.a or self.b
        return dict(either.segment) if either is not None else {}


def paired(a: Sequence[ManifestBatch], b: Sequence[ManifestBatch]) -> list[Pair]:
    """Pair the batches of two exports, in the order of the first; what is left over stays alone.

    Batches of segments by their item: first namespace (without case), id and asked status alike,
    then namespace and id alone (somebody asked for another status). Batches of everybody by
    position.
    """
    partner: dict[int, int] = {}
    for name in (_exactly, _roughly):
        free = [j for j in range(len(b)) if j not in partner.values()]
        for i, batch in enumerate(a):
            found = next((j for j in free if i not in partner and name(b[j]) == name(batch)), None)
            if found is not None:
                partner[i] = found
                free.remove(found)
    pairs = [Pair(batch, b[partner[i]] if i in partner else None) for i, batch in enumerate(a)]
    alone = (batch for j, batch in enumerate(b) if j not in partner.values())
    return [*pairs, *(Pair(None, batch) for batch in alone)]


def _roughly(batch: ManifestBatch) -> tuple[str, str]:
    segment = batch.segment
    namespace = str(segment.get("segmentNs", "ups")).lower() if segment else ""
    return namespace, str(segment.get("segmentId", ""))


def _exactly(batch: ManifestBatch) -> tuple[object, ...]:
    status = batch.segment.get("status")
    asked = frozenset(map(str, status)) if isinstance(status, list) else frozenset()
    return (*_roughly(batch), asked)
