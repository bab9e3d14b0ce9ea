"""How much windows, overlap and dropped edges matter to a trained two-trunk network, on real poses.

    python -m tests.bench.study_overlap [--trunks bigru attention tcn] [--width 64] [--steps 150]

For each trunk and each of the four ethome videos, held out once, a network is trained on windows of 512
frames of the other three (``interact``, one row from the adult to the juvenile) for a fixed number of steps,
and the video is then predicted in several ways. Printed are how far each is from one pass over the whole
video, the share of frames on which the decision at 0.5 agrees with it, and average precision and F1 over the
frames of all four videos.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.keypoints import SLOTS_18
from core.data.labels import ActionMap, frame_classes
from core.evaluation.frames import average_precision, confusion, f1_per_class
from core.features.pair_columns import FEATURES
from core.features.pair_view import HALO, pair_view
from core.losses.multilabel import MultilabelLoss
from core.models.chunking import Chunking
from core.models.folding import folded
from core.models.overlap import Numbers, predict_rows
from core.models.trunks import DEFAULT_LAYERS
from core.models.two_trunk import TwoTrunk
from core.models.views import mean_of_views, views
from tests.bench.study_ethome import ethome

WINDOW, BATCH, OF_PAIRS = 512, 8, 1


def scenes() -> Iterator[tuple[Tensor, np.ndarray]]:
    """Yield ``(frames, features)`` and ``(frames,)`` labels of each video."""
    action_map = ActionMap({"interact": "social"}, ("other", "social"))
    for video in read_videos(ethome()):
        positions = read_tracking(video, SLOTS_18, 2).positions / video.pixels_per_cm
        padded = np.pad(positions, ((HALO, HALO), *[(0, 0)] * 3), constant_values=np.nan)
        rows = torch.from_numpy(padded.astype(np.float32))[None]
        features = pair_view(rows, torch.ones(1, dtype=torch.bool), video.frames_per_second)[0]
        yield features, frame_classes(read_bouts(video), len(features), action_map)


def rows_of(features: Tensor) -> dict[str, Tensor]:
    rows = len(features)
    is_pair, fps = torch.ones(rows, dtype=torch.bool), torch.full((rows,), 30.0)
    return {"features": features, "is_pair": is_pair, "fps": fps}


def trained(
    kind: str, videos: list[tuple[Tensor, np.ndarray]], options: argparse.Namespace
) -> TwoTrunk:
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    model = TwoTrunk(FEATURES, 2, (0,), {}, trunk=kind, width=options.width, heads=4, dropout=0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, options.steps)
    loss, mask = MultilabelLoss(), torch.tensor([[False, True]]).expand(BATCH, 2)
    for _ in range(options.steps):
        drawn = [videos[rng.integers(len(videos))] for _ in range(BATCH)]
        starts = [int(rng.integers(len(labels) - WINDOW)) for _, labels in drawn]
        windows = [slice(start, start + WINDOW) for start in starts]
        features = torch.stack([seen[at] for (seen, _), at in zip(drawn, windows, strict=True)])
        social = np.stack([labels[at] for (_, labels), at in zip(drawn, windows, strict=True)])
        targets = torch.from_numpy(social)[..., None].expand(BATCH, WINDOW, 2)
        found = loss(model(rows_of(features)), targets, mask, torch.ones(BATCH, WINDOW))
        optimizer.zero_grad()
        torch.autograd.backward(found.total / found.weight)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return folded(model)


def predicted(model: TwoTrunk, features: Tensor, chunking: Chunking, shifts: int = 1) -> np.ndarray:
    def read(rows: Numbers, starts: Numbers, length: int) -> dict[str, Tensor]:
        return rows_of(torch.stack([features[start : start + length] for start in starts]))

    def one(chunks: Chunking) -> np.ndarray:
        return predict_rows(model, read, 1, len(features), torch.sigmoid, chunks)

    return mean_of_views(views(shifts=shifts), lambda view: one(view.chunking(chunking)))[
        0, :, OF_PAIRS
    ]


def ways(model: TwoTrunk) -> dict[str, tuple[Chunking, int]]:
    """Return how a video may be cut, and how many times."""
    own = model.chunking(WINDOW)
    found = {"one pass": (Chunking(10**6), 1), "the model's own": (own, 1)}
    for dropped in (0, 32, 64, 128):
        found[f"512, {dropped} dropped"] = (Chunking(WINDOW - 2 * dropped, dropped, batch=16), 1)
    found["the model's own, 2 shifts"] = (replace(own), 2)
    return found


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    videos = list(scenes())
    truth = np.concatenate([labels for _, labels in videos])
    for kind in options.trunks:
        answers: dict[str, list[np.ndarray]] = {}
        for held_out, (features, _) in enumerate(videos):
            others = [video for number, video in enumerate(videos) if number != held_out]
            model = trained(kind, others, options)
            for name, (chunking, shifts) in ways(model).items():
                answers.setdefault(name, []).append(predicted(model, features, chunking, shifts))
        whole = np.concatenate(answers["one pass"])
        for name, parts in answers.items():
            score = np.concatenate(parts)
            apart = np.abs(score - whole)
            agree = np.mean((score > 0.5) == (whole > 0.5))
            f1 = f1_per_class(confusion(truth, score > 0.5, 2))[1]
            print(
                f"{kind:10} {name:26} mean |Δp| {apart.mean():.5f}  99.9th percentile"
                f" {np.quantile(apart, 0.999):.3f}  agree {agree:.3%}"
                f"  AP {average_precision(truth, score):.3f}  F1 {f1:.3f}",
                flush=True,
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trunks", nargs="+", choices=[*DEFAULT_LAYERS], default=[*DEFAULT_LAYERS])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
