"""Whole videos in overlapping windows: every frame of every row once, as one pass would have it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.models.chunking import Chunking
from core.models.overlap import Numbers, predict_rows
from core.models.two_trunk import TwoTrunk
from core.models.views import View, mean_of_views, views

ROWS, FRAMES, FEATURES = 3, 300, 6
VIDEO = torch.randn(ROWS, FRAMES, FEATURES, generator=torch.Generator().manual_seed(2))
IS_PAIR = torch.tensor([True, False, True])


class Numbering(nn.Module):
    """Says row and frame of what it is given, and remembers how much that was."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, int]] = []

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        self.seen.append((inputs["at"].shape[0], inputs["at"].shape[1]))
        assert not self.training
        return inputs["at"]


def read_numbers(rows: Numbers, starts: Numbers, length: int) -> dict[str, Tensor]:
    frames = torch.from_numpy(starts)[:, None] + torch.arange(length)
    numbers = torch.from_numpy(rows)[:, None].expand_as(frames)
    return {"at": torch.stack((numbers, frames), dim=-1).float()}


@pytest.mark.parametrize("frames", [1, 50, 51, 333])
@pytest.mark.parametrize("shift", [0, 13])
def test_every_frame_of_every_row_is_answered_once_and_memory_is_bounded(
    frames: int, shift: int
) -> None:
    model, told = Numbering().train(), []
    chunking = Chunking(30, 10, batch=7, shift=shift)
    found = predict_rows(
        model, read_numbers, 5, frames, nn.Identity(), chunking, lambda *at: told.append(at[:2])
    )
    expected = np.stack(np.broadcast_arrays(np.arange(5)[:, None], np.arange(frames)), axis=-1)
    np.testing.assert_array_equal(found, expected)
    assert max(windows for windows, _ in model.seen) <= 7
    assert {length for _, length in model.seen} == {min(frames, 50)}
    assert model.training
    assert told[0][0] == 0
    assert told[-1] == (sum(windows for windows, _ in model.seen),) * 2


def test_nothing_to_predict_is_said() -> None:
    with pytest.raises(ValueError, match="0 rows of 9 frames"):
        predict_rows(Numbering(), read_numbers, 0, 9, nn.Identity(), Chunking())


def network(kind: str) -> TwoTrunk:
    torch.manual_seed(0)
    return TwoTrunk(FEATURES, 4, (0, 1), {}, trunk=kind, width=16, layers=2, heads=2).eval()


def read(rows: Numbers, starts: Numbers, length: int) -> dict[str, Tensor]:
    windows = [VIDEO[row, start : start + length] for row, start in zip(rows, starts, strict=True)]
    features, is_pair = torch.stack(windows), IS_PAIR[torch.from_numpy(rows)]
    return {"features": features, "is_pair": is_pair, "fps": torch.full((len(rows),), 30.0)}


def predicted(model: TwoTrunk, chunking: Chunking) -> np.ndarray:
    return predict_rows(model, read, ROWS, FRAMES, torch.sigmoid, chunking)


def test_within_its_reach_a_network_says_what_one_pass_says() -> None:
    model = network("tcn")
    whole = predicted(model, Chunking(FRAMES))
    reach = model.chunking(64).context
    found = predicted(model, Chunking(40, reach, batch=4))
    np.testing.assert_allclose(found, whole, atol=1e-6)
    edges_kept = predicted(model, Chunking(40, 0, batch=4))
    assert np.abs(edges_kept - whole).max() > 1e-3


@pytest.mark.parametrize("kind", ["bigru", "attention"])
def test_without_a_reach_dropped_edges_come_nearer_to_one_pass(kind: str) -> None:
    model = network(kind)
    whole = predicted(model, Chunking(FRAMES))
    near, far = (np.abs(predicted(model, Chunking(40, n, batch=4)) - whole).mean() for n in (24, 0))
    assert near < far / 2


# ── views ─────────────────────────────────────────────────────────────────────────────────────


def test_shifted_chunks_average_over_overlapping_windows() -> None:
    """By hand: half-overlapping windows of 60 whose edges of 10 are dropped."""
    model = network("bigru")
    plain = Chunking(40, 10, batch=4)
    both = mean_of_views(views(shifts=2), lambda view: predicted(model, view.chunking(plain)))
    whole = np.zeros_like(both)
    for start in (90, 110, 130):
        window = read(np.arange(ROWS), np.full(ROWS, start), 60)
        with torch.inference_mode():
            whole[:, start + 10 : start + 50] += model(window).sigmoid().numpy()[:, 10:50] / 2
    np.testing.assert_allclose(both[:, 120:160], whole[:, 120:160], atol=1e-6)


def test_views_are_all_changes_in_all_positions_and_the_plain_one_first() -> None:
    def negative(data: np.ndarray) -> np.ndarray:
        return -data

    found = views([("flip", negative)], shifts=3)
    assert [view.name for view in found] == [
        "plain", "flip", "plain, shift 1/3", "flip, shift 1/3", "plain, shift 2/3", "flip, shift 2/3",
    ]  # fmt: skip
    assert [view.chunking(Chunking(90)).shift for view in found] == [0, 0, 30, 30, 60, 60]
    assert views() == (View(),)
    data = np.array([1.0, 4.0], np.float32)
    mean = mean_of_views(found, lambda view: view.change(data) ** 3 + view.shift)
    np.testing.assert_allclose(mean, 1 / 3, rtol=1e-5)
    np.testing.assert_array_equal(data, [1, 4])


def test_one_view_changes_nothing_and_missing_values_stay() -> None:
    answer = np.array([0.1, np.nan, 0.7], np.float32)
    np.testing.assert_array_equal(mean_of_views(views(), lambda _: answer), answer)
    np.testing.assert_array_equal(mean_of_views(views(shifts=2), lambda _: answer), answer)


def test_answers_of_another_shape_are_refused() -> None:
    shapes = iter([(2,), (3,)])
    with pytest.raises(ValueError, match=r"shift 1/2.*\(3,\) instead of \(2,\)"):
        mean_of_views(views(shifts=2), lambda _: np.zeros(next(shapes), np.float32))
    with pytest.raises(ValueError, match="no views"):
        mean_of_views([], lambda _: np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="0 shifts"):
        views(shifts=0)
