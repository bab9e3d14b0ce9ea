"""What somebody who opens the videos of a run wants to see first."""

from dataclasses import dataclass

from mabe_tui.runs.videos.confused import Pair


@dataclass(frozen=True, kw_only=True)
class VideoWish:
    """A wish; with nothing in it, the worst video from its beginning."""

    pair: Pair | None = None
    """A confusion: videos with most of its frames first, from the first of them."""
    beside: str | None = None
    """Id of another run whose predictions are drawn below the first's."""
    video: str | None = None
    frame: int | None = None
