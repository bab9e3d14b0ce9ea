import math

import pytest

from core.evaluation.student import student_cdf, student_quantile


@pytest.mark.parametrize(
    ("freedom", "value"),  # tables of Student's t, two-sided 5 %
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (10, 2.2281), (30, 2.0423), (1e7, 1.96)],
)
def test_quantiles_are_those_of_the_tables(freedom: float, value: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(value, abs=1e-4)
    assert student_quantile(0.025, freedom) == -student_quantile(0.975, freedom)


@pytest.mark.parametrize("value", [-50.0, -1.0, 0.0, 0.3, 2.0, 50.0])
def test_one_and_two_degrees_of_freedom_have_closed_forms(value: float) -> None:
    assert student_cdf(value, 1) == pytest.approx(0.5 + math.atan(value) / math.pi)
    assert student_cdf(value, 2) == pytest.approx(0.5 + value / (2 * math.sqrt(2 + value * value)))


@pytest.mark.parametrize("freedom", [1.0, 1.37, 2.5, 7.8, 60.2])
def test_the_quantile_inverts_the_distribution_function(freedom: float) -> None:
    for probability in (0.001, 0.3, 0.5, 0.8, 0.975, 0.9999):
        value = student_quantile(probability, freedom)
        assert student_cdf(value, freedom) == pytest.approx(probability, abs=1e-9)
    assert student_cdf(math.inf, freedom) == 1
    assert student_cdf(-math.inf, freedom) == 0
