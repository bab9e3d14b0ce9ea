"""``mabe gpus``: compare GPUs for training a version, by measured, probed and reported figures."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.config.experiment import Experiment
from core.config.gpus import gpu_problem
from core.config.task_spec import Noun
from core.errors import ConfigError, MisuseError
from mabe_tui.cli.launching.cost_question import ask_first
from mabe_tui.cli.options import SetOption, Version, YesOption, finite
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import (
    JsonOption,
    if_interrupted,
    print_json,
    print_table,
    progress,
    say,
)
from mabe_tui.runs.format.units import duration, short_duration, size_text
from mabe_tui.runs.launching.gpu_table import Figure, GpuRow, GpuTable, data_bytes, gpu_table
from mabe_tui.runs.launching.probes import HERE, KeptProbe, keep_probe
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:
    from core.training.probe_report import ProbeReport

LOCAL = "local"
HOUR = 3600
PROBE_SECONDS = 60.0
"""Seconds after which no further batch size is tried."""
STARTUP_SECONDS = 45.0
"""Estimated seconds for a container to start and import torch."""
TIMEOUT_SECONDS, LEAST_TIMEOUT_SECONDS = 300, 90
"""Time limit of a probe on Modal, and the smallest limit that is enough for one."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("gpus")(gpus)


def gpus(
    context: typer.Context,
    version: Version,
    epochs: Annotated[
        int | None, typer.Option(help="Number of epochs; default: the version's own.", min=1)
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(
            metavar="T4,A10|local",
            help="Rent each for about a minute and measure; local: measure this computer.",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Maximum cost of all probes.", min=0.01, callback=finite),
    ] = None,
    overrides: SetOption = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset from the registry.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show batch, time and dollars of a version on each GPU, each with its source.

    Measured: from a run kept here, on that GPU. Probed: from some steps on it (--probe), times the steps
    of an epoch, without validation. Reported: from the version's original documents. Unknown: –.
    """
    session = session_of(context)
    experiment = session.registry.experiment(version, overrides or [], preset)
    failed: dict[str, str] = {}
    spent: float | None = None
    if probe == LOCAL:
        _probe_here(session, experiment)
    elif probe is not None:
        failed, spent = _probe_rented(session, experiment, _named(probe), budget, yes)
    elif budget is not None:
        raise MisuseError("--budget: it limits what --probe may cost; name GPUs with --probe")
    table = gpu_table(RunStore(session.home), experiment, epochs)
    if as_json:
        print_json({**msgspec.to_builtins(table), "probe_usd": spent, "failed": failed})
    else:
        _show(table, spec_of(experiment).sample)
        if spent is not None:
            say(f"the probes cost about ${spent:.2f}; Modal's own bill counts")
    if failed:
        raise typer.Exit(1)


def _named(text: str) -> list[str]:
    """Read the GPUs to probe.

    Raises:
        MisuseError: a name is not a GPU's, is repeated, or asks for several.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(":" in name for name in names):
        raise MisuseError(f"--probe {text}: name GPUs, one of each, as in T4,A10,H100; or local")
    if (problem := gpu_problem(tuple(names))) is not None:
        raise MisuseError(f"--probe {text}: {problem}")
    return names


def _probe_here(session: Session, experiment: Experiment) -> None:
    from core.config.gpus import GPUS, match_device
    from core.system.machine import choose_device
    from core.training.probe import probe_machine

    request = new_request(experiment, LOCAL)
    is_gpu = choose_device(experiment.hardware.device).type == "cuda"
    reserved = _reserved(session, experiment) if is_gpu else 0
    with progress("preparing") as tell:
        report = probe_machine(
            request, session.cache, tell, reserved=reserved, seconds=PROBE_SECONDS
        )
    say(_found(report.device_name, report))
    gpu = match_device(report.device_name, GPUS) if is_gpu else None
    keep_probe(experiment, KeptProbe(gpu=gpu or HERE, time=dt.datetime.now(dt.UTC), report=report))


def _probe_rented(
    session: Session, experiment: Experiment, names: list[str], budget: float | None, yes: bool
) -> tuple[dict[str, str], float]:
    """Run the probes; return the errors by GPU, and the dollars spent.

    Raises:
        ConfigError: it would exceed the budget, and the user has not confirmed.
        UserError: Modal refuses, or cannot be reached.
    """
    from mabe_tui.launch.modal.probing import probe_gpus

    prices = _prices(experiment, names)
    timeout = _agree(prices, budget, yes)

    def tell(gpu: str, found: "ProbeReport | str") -> None:
        if isinstance(found, str):
            say(f"{gpu}: {found}")
            return
        price = prices[gpu]
        usd = None if price is None else price * found.seconds / HOUR
        say(_found(gpu, found))
        kept = KeptProbe(gpu=gpu, time=dt.datetime.now(dt.UTC), report=found, usd=usd)
        keep_probe(experiment, kept)

    request, reserved = new_request(experiment, "modal"), _reserved(session, experiment)
    with if_interrupted("stopped; the containers are given back"):
        found = probe_gpus(request, names, PROBE_SECONDS, timeout, tell, reserved, say)
    reports = {gpu: report for gpu, report in found.items() if not isinstance(report, str)}
    spent = sum((prices[gpu] or 0.0) * report.seconds / HOUR for gpu, report in reports.items())
    return {gpu: said for gpu, said in found.items() if isinstance(said, str)}, spent


def _reserved(session: Session, experiment: Experiment) -> int:
    """Return the bytes to reserve for the data on a GPU, and report their source."""
    known = data_bytes(RunStore(session.home), experiment)
    if known is None:
        say("no run here has read this version's data: on a GPU they take memory that is not in it")
        return 0
    say(f"leaving {size_text(known[0])} of a GPU's memory for the data, as of {known[1]}")
    return known[0]


def _prices(experiment: Experiment, names: list[str]) -> dict[str, float | None]:
    from mabe_tui.launch.prices import rate_of

    hardware = msgspec.structs.replace(experiment.hardware, gpu=tuple(names))
    return rate_of(hardware).by_gpu


def _agree(prices: dict[str, float | None], budget: float | None, yes: bool) -> int:
    """Report the cost of the probes and ask if it may exceed the budget; return the time limit."""
    unpriced = [gpu for gpu, price in prices.items() if price is None]
    if unpriced and budget is not None:
        raise ConfigError(
            f"--budget: no price is known for {', '.join(unpriced)}, so no budget can be kept"
        )
    from mabe_tui.launch.modal.probing import STARTUP_TIMEOUT_SECONDS

    per_second = sum(price for price in prices.values() if price is not None) / HOUR
    about = per_second * (PROBE_SECONDS + STARTUP_SECONDS)
    timeout = TIMEOUT_SECONDS
    if budget is not None:
        timeout = min(timeout, int(budget / per_second - STARTUP_TIMEOUT_SECONDS))
    chosen = max(timeout, LEAST_TIMEOUT_SECONDS)
    at_most = per_second * (chosen + STARTUP_TIMEOUT_SECONDS)
    say(
        f"probing {', '.join(prices)}: about ${about:.2f}, ${at_most:.2f} at most"
        f" ({duration(chosen)} each after its start, then Modal ends it)"
    )
    if unpriced:
        ask_first(f"no price is known for {', '.join(unpriced)}", yes)
    if timeout < chosen:
        ask_first(f"that is above the budget of ${budget:.2f}, and less would not do", yes)
    return chosen


def _found(name: str, report: "ProbeReport") -> str:
    if not report.largest:
        return f"{name}: not even a batch of 8 fits"
    larger = ", perhaps more" if report.is_bound else ""
    step = ""
    if report.step_seconds is not None:
        step = f"; {1000 * report.step_seconds:.0f} ms a step of {report.batch_size}"
    return f"{name}: a batch of {report.largest} fits{larger}{step}"


def _show(table: GpuTable, sample: Noun) -> None:
    heads = ["gpu", "$ an hour", "largest batch", "an epoch", f"{table.epochs} epochs", "$"]
    print_table(heads, [_cells(row) for row in table.rows], right=[1])
    figures = [
        figure for row in table.rows for figure in (row.largest_batch, row.seconds_per_epoch)
    ]
    probed = any(figure is not None and figure.source == "probed" for figure in figures)
    if probed and table.windows is None:
        say("no run here has these settings, so no probe says how long an epoch on its data takes")
    elif any(
        row.seconds_per_epoch and row.seconds_per_epoch.source == "probed" for row in table.rows
    ):
        say(
            f"probed epochs: {sample.count(table.windows or 0)}, as of {table.windows_by},"
            f" {table.effective_batch} an update; without validation"
        )
    known = {row.gpu: row for row in table.rows if row.usd is not None}
    best = {"cheapest": table.cheapest, "fastest": table.fastest} if len(known) > 1 else {}
    for word, gpu in best.items():
        if gpu is not None:
            say(f"{word}: {_costs(known[gpu])}")
    if len(known) < 2:
        only = f"known so far: only {_costs(*known.values())}; " if known else ""
        say(f"{only}`mabe gpus {table.version} --probe T4,A10,H100` measures, for a few cents")


def _costs(row: GpuRow) -> str:
    assert row.usd is not None
    assert row.hours is not None
    hours = duration(row.hours.value * HOUR)
    return f"{row.gpu}, ${row.usd.value:.2f} in {hours} ({row.usd.source})"


def _cells(row: GpuRow) -> list[str | None]:
    return [
        row.gpu,
        None if row.usd_per_hour is None else f"{row.usd_per_hour:.2f}",
        _marked(row.largest_batch, lambda value: f"{'≥ ' * row.more_may_fit}{value:.0f}"),
        _marked(row.seconds_per_epoch, short_duration),
        _marked(row.hours, lambda value: duration(value * HOUR)),
        _marked(row.usd, lambda value: f"{value:.2f}"),
    ]


def _marked(figure: Figure | None, spell: Callable[[float], str]) -> str | None:
    """Format a figure with its source."""
    return None if figure is None else f"{spell(figure.value)} {figure.source}"
