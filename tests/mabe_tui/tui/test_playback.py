"""The playback position in a video."""

import pytest

from core.errors import ConfigError
from mabe_tui.tui.screens.video.playback import SPEEDS, Playback, clock_text, parse_place


def test_the_frame_follows_the_clock_and_stands_at_the_end() -> None:
    playback = Playback(100, 30.0)
    playback.seek(10, 5.0)
    assert playback.frame(99.0) == 10
    playback.toggle(5.0)
    assert [playback.frame(5.0 + passed) for passed in (0, 0.5, 2)] == [10, 25, 70]
    assert playback.frame(20.0) == 99
    assert not playback.playing
    playback.toggle(30.0)
    assert (playback.playing, playback.frame(30.1)) == (True, 3)


def test_a_changed_speed_counts_from_where_one_is() -> None:
    playback = Playback(1000, 30.0)
    playback.toggle(0.0)
    playback.faster(1, 2.0)
    assert (playback.speed, playback.frame(2.0), playback.frame(3.0)) == (2.0, 60, 120)
    for _ in SPEEDS:
        playback.faster(-1, 3.0)
    assert playback.speed == SPEEDS[0]
    playback.pause(3.0)
    assert playback.frame(9.0) == 120


def test_no_seek_leaves_the_video() -> None:
    playback = Playback(100, 30.0)
    playback.seek(-5, 0.0)
    assert playback.frame(0.0) == 0
    playback.seek(500, 0.0)
    assert playback.frame(0.0) == 99


@pytest.mark.parametrize(
    ("text", "frame"), [("2460", 2460), ("1:22.5", 2475), ("0:00", 0), ("0:01:00", 1800)]
)
def test_a_place_is_a_frame_or_a_time(text: str, frame: int) -> None:
    assert parse_place(f" {text} ", 5700, 30.0) == frame


@pytest.mark.parametrize(
    ("text", "words"), [("soon", "give a frame, such as"), ("5700", "frames 0 to 5699"), ("4:00", "03:09.97")]
)  # fmt: skip
def test_a_place_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_place(text, 5700, 30.0)


def test_times_are_spelled_in_minutes_and_hundredths() -> None:
    assert [clock_text(s) for s in (0, 59.999, 82.04, 3661.5)] == [
        "00:00.00", "01:00.00", "01:22.04", "1:01:01.50",
    ]  # fmt: skip
