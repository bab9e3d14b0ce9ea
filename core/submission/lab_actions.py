"""Which actions each lab has ever annotated.

An action that is predicted for a lab but absent from the lab's truth counts with an F1 of 0. It is therefore
better not to submit actions that a lab's training annotations never contain.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.data.competition import Bouts, Video


@dataclass(frozen=True, slots=True)
class LabActions:
    """The actions of each lab that have a frame in its training annotations."""

    by_lab: Mapping[str, tuple[str, ...]]
    """Lab → its actions, sorted: plain values, for a checkpoint or JSON."""

    def allows(self, lab: str, action: str) -> bool:
        """Return whether an action may occur in a lab: any may if nothing is known about the lab."""
        return action in self.by_lab.get(lab, (action,))


def lab_actions(annotated: Iterable[tuple[Video, Bouts]]) -> LabActions:
    """Collect the actions of each lab from its annotated videos; bouts without frames do not count."""
    found: dict[str, set[str]] = {}
    for video, bouts in annotated:
        actions = bouts.action[bouts.stop > bouts.start]
        found.setdefault(video.lab_id, set()).update(map(str, actions))
    return LabActions({lab: tuple(sorted(actions)) for lab, actions in sorted(found.items())})
