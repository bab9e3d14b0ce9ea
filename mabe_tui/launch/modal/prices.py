"""Price list of the user's Modal workspace, the one that ``modal billing rates`` prints."""

import datetime as dt

import modal

from core.errors import RunError, UserError
from mabe_tui.launch.modal.client import ask
from mabe_tui.launch.prices import Prices, implausible

CORE, GIB = "cpu_hour_cost", "mem_gib_hour_cost"
GPU_RATES = {
    "T4": "gpu_hour_cost_t4",
    "L4": "gpu_hour_cost_l4",
    "A10": "gpu_hour_cost_a10g",
    "L40S": "gpu_hour_cost_l40s",
    "A100-40GB": "gpu_hour_cost_a100_40gb",
    "A100-80GB": "gpu_hour_cost_a100_80gb",
    "RTX-PRO-6000": "gpu_hour_cost_rtx6000",
    "H100": "gpu_hour_cost_h100",
    "H200": "gpu_hour_cost_h200",
    "B200": "gpu_hour_cost_b200",
}
"""GPU name → its name in the list, as ``modal billing rates --json`` spelled it in September 2026."""


def fetch_prices(known: Prices, today: dt.date) -> Prices:
    """Fetch today's prices and check that they are plausible.

    Args:
        known: the table in use, to compare the new one with.
        today: the date of the new table.

    Raises:
        UserError: Modal cannot be queried, or its list has changed its format; ``known`` stays in use.
    """
    stays = f"the prices of {known.as_of} stay in use"
    try:
        rates = ask(_rates)
    except UserError as error:
        raise type(error)(f"{str(error).partition(';')[0]}; {stays}") from error
    absent = [key for key in (CORE, GIB) if key not in rates]
    if absent:
        raise RunError(f"Modal's price list has no {' and no '.join(absent)}; {stays}")
    found = Prices(
        as_of=today,
        cpu_core_hour=rates[CORE],
        memory_gib_hour=rates[GIB],
        gpu_hour={gpu: rates[key] for gpu, key in GPU_RATES.items() if key in rates},
    )
    if (problem := implausible(found, known)) is not None:
        raise RunError(f"Modal's price list is not what it was: {problem}; {stays}")
    return found


async def _rates() -> dict[str, float]:
    rates = await modal.Workspace.from_context().billing.rates.aio()
    return {key: float(price) for key, price in rates.items()}
