import pytest
import torch

from core.models.rotary import BASE, RotaryLayer, Rotation, rotated, rotation

CPU = torch.device("cpu")


def test_products_depend_on_the_distance_of_two_frames_alone() -> None:
    query, key = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(1))
    by = rotation(50, 8, CPU)
    queries, keys = rotated(query.expand(50, 8), by), rotated(key.expand(50, 8), by)
    products = queries @ keys.T
    for distance in (0, 1, 20):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-5, rtol=1e-4)
    assert products[0].std() > 0.1, "products at other distances differ"


def test_each_pair_of_numbers_turns_by_its_own_angle() -> None:
    """As complex numbers: x · exp(i t BASE^(−j / 4)) for pair j of 2 and frame t."""
    heads = torch.randn(7, 4, dtype=torch.float32, generator=torch.Generator().manual_seed(1))
    plane = torch.complex(heads[:, :2], heads[:, 2:])
    angle = torch.arange(7.0)[:, None] * BASE ** (-torch.tensor([0.0, 2.0]) / 4)
    expected = plane * torch.polar(torch.ones_like(angle), angle)
    ours = rotated(heads, rotation(7, 4, CPU))
    torch.testing.assert_close(ours, torch.cat((expected.real, expected.imag), dim=1))


def test_attention_is_that_of_the_formula() -> None:
    """Softmax over q · k / √d, where all frames see all, in one head."""
    torch.manual_seed(0)
    layer = RotaryLayer(width=4, heads=1, feed_forward=8, dropout=0.0)
    frames, by = torch.randn(1, 6, 4), rotation(6, 4, CPU)
    query, key, value = layer.query_key_value(layer.attention_norm(frames))[0].chunk(3, dim=-1)
    shares = (rotated(query, by) @ rotated(key, by).T / 2).softmax(dim=-1)
    after = frames + layer.attended(shares @ value)
    torch.testing.assert_close(layer(frames, by), after + layer.feed_forward(after))


def test_it_does_not_matter_where_counting_begins() -> None:
    torch.manual_seed(0)
    layer = RotaryLayer(width=16, heads=2, feed_forward=8, dropout=0.0)
    frames, by = torch.randn(2, 30, 16), rotation(1030, 8, CPU)
    late = Rotation(by.cosine[1000:], by.sine[1000:])
    first = Rotation(by.cosine[:30], by.sine[:30])
    torch.testing.assert_close(layer(frames, late), layer(frames, first), atol=1e-4, rtol=1e-4)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="5 heads do not divide a width of 16"):
        RotaryLayer(16, 5, 32, 0.0)
