"""Student's t distribution for any real degrees of freedom, without SciPy."""

import math
from functools import lru_cache
from statistics import NormalDist

CONVERGED = 1e-13
MOST_TERMS = 500


def student_cdf(value: float, freedom: float) -> float:
    """Return P(T ≤ value) for Student's t with ``freedom`` > 0 degrees of freedom.

    Computed from the regularised incomplete beta function (Abramowitz & Stegun 26.7.1 and 26.5.2).
    """
    if math.isinf(value):
        return 1.0 if value > 0 else 0.0
    tail = 0.5 * _incomplete_beta(freedom / (freedom + value * value), freedom / 2, 0.5)
    return 1 - tail if value > 0 else tail


@lru_cache(maxsize=4096)
def student_quantile(probability: float, freedom: float) -> float:
    """Return the t at which :func:`student_cdf` is ``probability``, in (0, 1).

    Newton's method on the distribution function, within a bracket; accurate to about 1e-9.
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    if probability == 0.5:
        return 0.0
    low, high = 0.0, 2.0
    while student_cdf(high, freedom) < probability:
        low, high = high, high * 2
    value = min(max(NormalDist().inv_cdf(probability), low), high)
    for _ in range(100):
        excess = student_cdf(value, freedom) - probability
        low, high = (low, value) if excess > 0 else (value, high)
        step = value - excess / _density(value, freedom)
        step = step if low < step < high else (low + high) / 2
        if abs(step - value) <= 1e-10 * (1 + abs(value)):
            return step
        value = step
    return value


def _density(value: float, freedom: float) -> float:
    return math.exp(
        math.lgamma((freedom + 1) / 2)
        - math.lgamma(freedom / 2)
        - 0.5 * math.log(freedom * math.pi)
        - (freedom + 1) / 2 * math.log1p(value * value / freedom)
    )


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b) by its continued fraction (Lentz's method; Press et al., section 6.4)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < CONVERGED:
            break
    return front * fraction / a
