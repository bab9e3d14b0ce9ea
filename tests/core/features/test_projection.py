import numpy as np
import torch
from sklearn.decomposition import PCA

from core.features.projection import Projection, principal, scatter


def data() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn((6, 6), generator=generator)
    return torch.randn((500, 6), generator=generator) @ mix + 100


def fitted(values: torch.Tensor, components: int) -> Projection:
    mean = values.nanmean(dim=0)
    total = torch.stack([scatter(chunk, mean) for chunk in values.split(77)]).sum(dim=0)
    return principal(mean, total, components)


def test_equals_scikit_learn_up_to_sign() -> None:
    values = data()

    projected = fitted(values, 4)(values)

    expected = PCA(4).fit_transform(values.double().numpy())
    np.testing.assert_allclose(projected.abs(), np.abs(expected), rtol=1e-3, atol=1e-3)


def test_signs_are_settled() -> None:
    components = fitted(data(), 6).components

    assert (components.gather(0, components.abs().argmax(0, keepdim=True)) > 0).all()


def test_a_missing_coordinate_counts_as_its_mean() -> None:
    values = data()
    projection = fitted(values, 3)
    imputed, missing = values[:1].clone(), values[:1].clone()
    imputed[0, 2] = projection.mean[2]
    missing[0, 2] = torch.nan

    torch.testing.assert_close(projection(missing), projection(imputed))
    assert projection(torch.full((1, 6), torch.nan)).isnan().all()


def test_state_survives_a_round_trip() -> None:
    projection = fitted(data(), 3)

    again = Projection.from_state(projection.state_dict())

    assert torch.equal(again(data()), projection(data()))
