"""Reading the log of a job that was not started by mabe, as it arrives."""

import datetime as dt

from core.run.events import Epoch, Stopped, encode
from mabe_tui.cli.following.display import shown_lines
from mabe_tui.runs.following.mirror import EventItem, Item, TextItem
from mabe_tui.runs.old_logs.foreign_log import ForeignLog
from mabe_tui.runs.tasks import default_spec

REFERENCE = "fc-x"
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
THEN = NOW - dt.timedelta(hours=1)


def a_log() -> ForeignLog:
    return ForeignLog(REFERENCE, lambda: NOW)


def test_epochs_become_events_and_other_lines_stay() -> None:
    log = a_log()
    items = log.feed("hello\nEpoch 1/9: Loss: 0.5, F1: 0.25\n  as it \tis\n", THEN)
    first, event, last = items
    assert (first, last) == (TextItem(REFERENCE, b"hello"), TextItem(REFERENCE, b"  as it \tis"))
    assert isinstance(event, EventItem)
    assert isinstance(event.event, Epoch)
    assert (event.event.attempt, event.event.seq, event.event.time) == (REFERENCE, 1, THEN)
    assert (event.event.train_loss, event.event.metrics) == (0.5, {"f1_macro": 0.25})
    assert log.asked_epochs == 9


def test_epoch_is_shown_as_one_of_ours_without_what_it_does_not_tell() -> None:
    log = a_log()
    items = log.feed("Epoch 2/9: Loss: 0.5, F1: 0.25\n")
    assert shown_lines(items, default_spec(), log.asked_epochs) == [
        "epoch 2/9  train 0.5000  f1_macro 0.2500"
    ]


def test_pieces_of_lines_are_put_together() -> None:
    log, items = a_log(), list[Item]()
    for piece in ("Ep", "och 3/9:\n  Lo", "ss: 0.5, F1: 0.2\n  Time: 4s", "\nend"):
        items += log.feed(piece)
    assert [type(item) for item in items] == [EventItem]
    assert log.close() == [TextItem(REFERENCE, b"end")]


def test_epoch_at_the_torn_end_is_not_lost() -> None:
    log = a_log()
    assert log.feed("Epoch 3/9:\n  Loss: 0.5") == []
    (item,) = log.close()
    assert isinstance(item, EventItem)
    assert item.event.time == NOW


def test_events_of_our_own_are_understood() -> None:
    event = Stopped(attempt="0001-aaaa", seq=7, time=NOW, epoch=1, step=2, reason="user")
    assert a_log().feed(encode(event).decode() + "\n") == [EventItem(event)]
