"""Random changes of images: turned, moved, cropped and enlarged again, in one resampling."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from core.tasks.pairs.settings import PairsAugmentationConfig


def changes_images(config: PairsAugmentationConfig) -> bool:
    """Return whether images are changed at all."""
    return bool(config.rotation or config.shift or config.crop < 1)


def draw_maps(config: PairsAugmentationConfig, images: int, random: torch.Generator) -> Tensor:
    """Draw the affine map of each image, from places in the result to places in the image.

    Places run from −1 to 1 along both axes. A crop keeps a share of the area, drawn between ``crop`` and 1,
    at a random place within the image; then the image turns around its centre, and is moved.

    Args:
        config: how much.
        images: number of images.
        random: on the CPU.

    Returns:
        ``(images, 2, 3)``, as :func:`torch.nn.functional.affine_grid` takes them.
    """
    area, angle, *places = torch.rand(6, images, generator=random)
    side = torch.sqrt(config.crop + (1 - config.crop) * area)
    turn = (2 * angle - 1) * math.radians(config.rotation)
    cosine, sine = torch.cos(turn) * side, torch.sin(turn) * side
    free = 1 - side  # how far the centre of the crop may lie from that of the image
    across, down = ((2 * place - 1) * free for place in places[:2])
    right, low = ((2 * place - 1) * 2 * config.shift for place in places[2:])
    return torch.stack([cosine, -sine, across + right, sine, cosine, down + low], dim=1).reshape(
        images, 2, 3
    )


def changed(images: Tensor, maps: Tensor) -> Tensor:
    """Apply a map to each image; what lies outside it is 0.

    Args:
        images: ``(images, 1, height, width)``.
        maps: ``(images, 2, 3)``.
    """
    grid = functional.affine_grid(maps.to(images), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Move images by whole pixels; what moves in is 0."""
    height, width = images.shape[-2:]
    padded = functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    top, left = max(-down, 0), max(-right, 0)
    return padded[..., top : top + height, left : left + width]
