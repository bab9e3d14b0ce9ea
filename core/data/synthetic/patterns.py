"""The movement of each action.

Lengths are in body lengths (nose to tail base), times in seconds. The values are chosen by eye so
that an action looks like its name and the speeds of different actions overlap; none of
them was fitted to data.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto


class Goal(Enum):
    """The goal of a bout's agent."""

    ROAM = auto()
    """Wander, at ``speed`` times its usual pace."""
    STAY = auto()
    """Stand, moving head and trunk."""
    WALL = auto()
    """Go to the nearest wall and stay there."""
    APPROACH = auto()
    """Walk up to the target, arriving when the bout ends."""
    TOUCH = auto()
    """Keep the nose at a point on the target's body."""
    BEHIND = auto()
    """Keep a distance behind the target's rear."""
    MOUNT = auto()
    """Stand over the target's rear, aligned with it."""
    TUMBLE = auto()
    """Wrestle: close, spinning, erratic."""
    LEAVE = auto()
    """Move away from the target."""


class Reaction(Enum):
    """The movement of a bout's target meanwhile, unless it is the agent of another."""

    IGNORE = auto()
    SLOW = auto()
    LEAD = auto()
    FLEE = auto()
    TUMBLE = auto()


@dataclass(frozen=True, slots=True)
class Pattern:
    """The movement of one action."""

    goal: Goal
    reaction: Reaction = Reaction.IGNORE
    speed: float = 1.0
    """Maximum speed in body lengths per second; a multiple of the usual pace if the agent only roams."""
    aim: float = 0.0
    """Position on the target's axis: 0.5 is the nose, −0.5 the tail base."""
    distance: float = 0.0
    """Distance from there to the agent's nose (``TOUCH``) or centre (``BEHIND``)."""
    stretch: float = 1.0
    """Length of the body as seen from above; a rearing mouse is short."""
    curl: float = 0.0
    """Turn of the head towards the flank, in radians."""
    shake: float = 0.0
    """Amplitude of fast irregular turning of the trunk, in radians."""
    thrust: float = 0.0
    """Amplitude of rhythmic movement along the body's axis."""
    rhythm: float = 3.0
    """Frequency of ``thrust`` in hertz."""

    @property
    def needs_contact(self) -> bool:
        """Whether the agent has to be near the target when the bout begins."""
        return self.goal in (Goal.TOUCH, Goal.BEHIND, Goal.MOUNT, Goal.TUMBLE)


_STAY = Pattern(Goal.STAY, speed=0.0)
_TOUCH = Pattern(Goal.TOUCH, Reaction.SLOW, speed=3.0, distance=0.04)
_FACE = replace(_TOUCH, aim=0.45)
_REAR = replace(_TOUCH, aim=-0.5)
_MOUNT = Pattern(Goal.MOUNT, Reaction.SLOW, speed=3.5, stretch=0.85, thrust=0.035, rhythm=4.0)
_FOLLOW = Pattern(Goal.BEHIND, Reaction.LEAD, speed=2.8, distance=0.95)
_CHASE = Pattern(Goal.BEHIND, Reaction.FLEE, speed=5.5, distance=0.8)
_FIGHT = Pattern(Goal.TUMBLE, Reaction.TUMBLE, speed=5.0, stretch=0.85, shake=0.35)
_LEAVE = Pattern(Goal.LEAVE, speed=1.6)

PATTERNS: dict[str, Pattern] = {
    # alone
    "biteobject": replace(_STAY, shake=0.12, stretch=0.95),
    "climb": Pattern(Goal.WALL, speed=1.5, stretch=0.6, shake=0.1),
    "dig": replace(_STAY, shake=0.22, thrust=0.02, rhythm=5.0),
    "exploreobject": Pattern(Goal.ROAM, speed=0.4, shake=0.1),
    "freeze": _STAY,
    "genitalgroom": replace(_STAY, curl=1.3, stretch=0.7, thrust=0.015, rhythm=5.0),
    "huddle": replace(_STAY, stretch=0.8),
    "rear": replace(_STAY, stretch=0.55, shake=0.05),
    "rest": replace(_STAY, stretch=0.85),
    "run": Pattern(Goal.ROAM, speed=3.0),
    "selfgroom": replace(_STAY, curl=0.7, stretch=0.8, thrust=0.02, rhythm=5.0),
    # social
    "approach": Pattern(Goal.APPROACH, speed=3.5),
    "sniff": _TOUCH,
    "sniffbody": _TOUCH,
    "sniffface": _FACE,
    "sniffgenital": _REAR,
    "reciprocalsniff": _FACE,
    "follow": _FOLLOW,
    # mating
    "attemptmount": replace(_MOUNT, thrust=0.015),
    "mount": _MOUNT,
    "intromit": replace(_MOUNT, thrust=0.06, rhythm=2.0),
    "ejaculate": replace(_MOUNT, thrust=0.0, stretch=0.8),
    # aggressive
    "attack": _FIGHT,
    "chase": _CHASE,
    "chaseattack": replace(_CHASE, distance=0.5, shake=0.2),
    "defend": replace(_FACE, reaction=Reaction.IGNORE, speed=2.0, stretch=0.75, shake=0.15),
    "dominance": replace(_TOUCH, aim=0.2, speed=4.0, shake=0.1),
    "flinch": replace(_LEAVE, speed=3.0, shake=0.3, stretch=0.8),
    # everything else between two mice
    "allogroom": replace(_TOUCH, aim=0.3, thrust=0.02, rhythm=5.0),
    "avoid": _LEAVE,
    "disengage": replace(_LEAVE, speed=1.2),
    "dominancegroom": replace(_TOUCH, aim=0.35, thrust=0.02, rhythm=5.0, shake=0.05),
    "dominancemount": replace(_MOUNT, thrust=0.02, shake=0.08),
    "escape": replace(_LEAVE, speed=4.0),
    "shepherd": replace(_FOLLOW, distance=0.7, aim=-0.2),
    "submit": replace(_STAY, stretch=0.75),
    "tussle": replace(_FIGHT, speed=3.5, shake=0.2),
}
"""All 37 actions of the competition."""

UNKNOWN = replace(_TOUCH, speed=2.0)
"""For a pair action unknown to the competition; for a single mouse, :data:`PATTERNS` ``rest`` is used."""

CLASS_OF: dict[str, str] = {
    **dict.fromkeys(
        (
            "sniff",
            "sniffgenital",
            "sniffface",
            "sniffbody",
            "reciprocalsniff",
            "approach",
            "follow",
        ),
        "social",
    ),
    **dict.fromkeys(("mount", "intromit", "attemptmount", "ejaculate"), "mating"),
    **dict.fromkeys(
        ("attack", "chase", "chaseattack", "dominance", "defend", "flinch"), "aggressive"
    ),
}
"""Class of an action, for the summary's counts; missing actions are ``other``."""

CLASSES = ("other", "social", "mating", "aggressive")


def pattern_of(action: str, *, alone: bool) -> Pattern:
    """Return the movement for an action, whether or not the competition has it."""
    return PATTERNS.get(action, PATTERNS["rest"] if alone else UNKNOWN)
