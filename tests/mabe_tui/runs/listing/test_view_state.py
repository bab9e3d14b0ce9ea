"""The saved arrangement is restored, even if other programs change or damage the file."""

import threading
from pathlib import Path

import pytest

from core.errors import UserError
from mabe_tui.runs.listing.view_state import Arrangement, SavedView, ViewState


@pytest.fixture
def state(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ViewState:
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    return ViewState(home)


def test_all_is_found_again(state: ViewState, home: Path) -> None:
    state.set_baseline("v5")
    for name in ("v6", "v1", "v6"):
        state.pin(name)
    state.unpin("v1")
    best = SavedView(query="f1 > 0.4", sort="smoothed.f1", descending=True)
    state.save_view("best", best)
    state.keep("run", offset=17, charts=["loss"])
    state.keep("run", offset=18)
    again = ViewState(home)
    kept = again.read()
    assert (kept.baseline, kept.pinned, kept.views) == ("v5", ("v6",), {"best": best})
    assert again.screen("run") == {"offset": 18, "charts": ["loss"]}
    assert again.screen("home") == {}
    again.set_baseline(None)
    again.remove_view("best")
    assert (state.read().baseline, state.read().views) == (None, {})
    with pytest.raises(UserError, match="no view 'best'"):
        state.view("best")


def test_each_home_has_its_own(state: ViewState, tmp_path: Path) -> None:
    state.pin("v6")
    assert ViewState(tmp_path / "other").read() == Arrangement()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pinned": 3}', b"\xff\xfe"])
def test_a_damaged_file_is_empty_and_written_anew(state: ViewState, content: bytes) -> None:
    state.path.parent.mkdir(parents=True)
    state.path.write_bytes(content)
    assert state.read() == Arrangement()
    state.pin("v6")
    assert state.read().pinned == ("v6",)


def test_changes_at_once_lose_nothing(state: ViewState, home: Path) -> None:
    def pin_some(first: int) -> None:
        mine = ViewState(home)
        for number in range(first, first + 10):
            mine.pin(f"v{number}")

    threads = [threading.Thread(target=pin_some, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(state.read().pinned) == sorted(f"v{number}" for number in range(30))


def test_a_folder_that_cannot_be_written_is_named(state: ViewState) -> None:
    state.path.parent.parent.mkdir(parents=True)
    state.path.parent.write_text("in the way")
    with pytest.raises(UserError, match="views"):
        state.pin("v6")
    assert state.read() == Arrangement()
