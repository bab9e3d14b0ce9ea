"""Launcher for Modal: detached function calls that outlive this computer, seen through a local mirror.

Nothing here imports the ``modal`` package before it is needed: a finished run needs none of it.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.config.experiment import HardwareConfig
from core.config.gpus import GPUS, choices_of, unknown_gpus
from core.config.strict import nearest
from core.errors import ConfigError, RunError, UserError
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch import unknown
from mabe_tui.launch.attempts import (
    QuietEnding,
    attempt_ending,
    has_spoken,
    log_lines,
    newest_attempt,
    read_quiet_ending,
    was_touched_lately,
    write_quiet_ending,
)
from mabe_tui.launch.launcher import (
    ForeignJob,
    LogLine,
    Quote,
    RunState,
    Say,
    StopOutcome,
    Tell,
    UnreachableError,
    ignore,
    require_resumable,
    say_nothing,
)
from mabe_tui.launch.launching import is_being_launched, launching
from mabe_tui.launch.modal.handle import NAME, Call, call_of
from mabe_tui.launch.modal.machine import DATA_MOUNT, app_name_of, machine_of, timeout_of
from mabe_tui.launch.prices import cores, memory_mib, rate_of, read_prices

if TYPE_CHECKING:
    from mabe_tui.launch.modal.calls import CallState

LAUNCH_SECONDS = 120.0
CHECKPOINT_SHARE, LEAST_RESERVE, MOST_RESERVE = 0.05, 15.0, 300.0
"""Part of Modal's time-out that is reserved for the last checkpoint and its commit."""


class ModalLauncher:
    """Calls the single function of ``modal_app.py``, detached, and finds it by the id of the call."""

    name = NAME

    def prepare(self, request: RunRequest) -> RunRequest:
        """Add the limits that follow from Modal's time-out and prices, for the job to enforce."""
        hardware = request.experiment.hardware
        timeout = timeout_of(hardware)
        reserve = min(MOST_RESERVE, max(LEAST_RESERVE, CHECKPOINT_SHARE * timeout), timeout / 2)
        rate = rate_of(hardware)
        if rate.unpriced and request.limits.cost_usd is not None:
            raise ConfigError(
                f"--budget: no price is known for {', '.join(rate.unpriced)}, so no budget can be kept;"
                " use --max-time, or see whether `mabe prices --refresh` knows it"
            )
        limits = msgspec.structs.replace(request.limits, attempt_seconds=timeout - reserve)
        return msgspec.structs.replace(request, limits=rate.limits(limits))

    def quote(self, request: RunRequest) -> Quote:
        """Return the machine and its price, without contacting Modal."""
        hardware = request.experiment.hardware
        _refuse_local_data(request)
        gpu = ", else ".join(choices_of(hardware.gpu)) or "no GPU"
        prices = read_prices()
        return Quote(
            launcher=self.name,
            machine=f"Modal app {app_name_of(hardware)}: {gpu}, {cores(hardware)} cores,"
            f" {memory_mib(hardware) / 1024:.0f} GiB{_place(hardware)}, prices of {prices.as_of}",
            usd_per_hour=rate_of(hardware, prices).highest,
            warnings=_warnings(hardware),
            timeout_seconds=float(timeout_of(hardware)),
            command=("modal_app.train", request.run),
        )

    def require_ready(self, request: RunRequest) -> None:
        """Check that Modal is reachable and that the volume holds the run's data."""
        from mabe_tui.launch.modal import client as modal_client
        from mabe_tui.launch.modal import data as modal_data

        modal_client.require()
        if request.data is not None:
            modal_data.require_folder(request.data)

    def launch(self, run: RunDir) -> Handle:
        """Call the function, detached; see :class:`~mabe_tui.launch.launcher.Launcher`."""
        with launching([run]):
            (handle,) = self._launch([run])
        return handle

    def launch_all(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> None:
        """Call the function in one app per run; with ``parallel``, in one app that limits concurrency."""
        with launching(runs):
            self._launch(runs, parallel, say)

    def _launch(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> list[Handle]:
        requests = [run.read_request() for run in runs]
        for request in requests:
            _refuse_local_data(request)
            rate_of(request.experiment.hardware)  # rejects what Modal does not offer
        from mabe_tui.launch.modal import client as modal_client
        from mabe_tui.launch.modal import spawn as modal_spawn
        from mabe_tui.launch.modal.inputs import send_inputs
        from mabe_tui.launch.modal.place import here

        modal_client.require()
        place = here()
        send_inputs(runs[0].path.parent, requests, place, say)
        (machine,) = {machine_of(request) for request in requests}
        return modal_spawn.spawn([*zip(runs, requests, strict=True)], machine, place, parallel, say)

    def state(self, run: RunDir) -> RunState:
        """Derive the state from the newest attempt's events and from Modal's state of the call."""
        attempt = newest_attempt(run)
        if attempt is None:
            return _state_before_call(run, run.path)
        ended = attempt_ending(run, attempt)
        if ended is not None and ended is not RunState.PREEMPTED:
            return ended
        call = call_of(run)
        if call is None:
            return _state_before_call(run, run.attempt_folder(attempt))
        if (known := read_quiet_ending(run, attempt)) is not None:
            return known.state
        from mabe_tui.launch.modal.calls import CallOutcome
        from mabe_tui.launch.modal.lookup import state_of_call

        try:
            said = state_of_call(run, call)
        except UserError as error:
            return _unknown(run, str(error))
        unknown.forget(run)
        if said.outcome is not CallOutcome.RUNNING:
            return self._state_at_end(run, call, said)
        if run.stop_requested(attempt):
            return RunState.STOPPING
        # Modal moves a preempted call to another machine by itself.
        speaks = ended is None and has_spoken(run, attempt)
        return RunState.RUNNING if speaks else RunState.QUEUED

    def _state_at_end(self, run: RunDir, call: Call, said: "CallState") -> RunState:
        """Determine how a finished call ended: from the run's final event, else from Modal's result."""
        from mabe_tui.launch.modal import apps as modal_apps
        from mabe_tui.launch.modal import calls as modal_calls
        from mabe_tui.launch.modal import follow as modal_follow
        from mabe_tui.launch.modal.calls import CallOutcome
        from mabe_tui.launch.modal.client import ModalError

        why = "another process is fetching"
        is_heard = can_be_kept = True
        try:
            is_heard = modal_follow.catch_up(run, call.id)
        except (UnreachableError, ModalError) as error:
            is_heard, why = False, str(error)
        except UserError:
            can_be_kept = False  # waiting would not help: decide from what is known locally
        newest = call_of(run)
        if newest is not None and newest.id != call.id:
            return self.state(run)  # the volume shows that another computer has restarted the run
        attempt = newest_attempt(run) or ""
        ended = attempt_ending(run, attempt)
        if ended is not None:
            return ended
        if not is_heard:  # the final event may still be on the volume only
            return _unknown(run, f"its call is over, and its last words are to be fetched ({why})")
        stopped = said.outcome is CallOutcome.CANCELLED or run.stop_requested(attempt)
        state = RunState.STOPPED if stopped else RunState.LOST
        if said.outcome is CallOutcome.RETURNED:
            # Neither a commit nor the log holds the final event, but the container returned its kind.
            try:
                word = modal_calls.returned(call.id)
            except UserError as error:
                return _unknown(
                    run, f"its call is over, and what it returned is not known ({error})"
                )
            with contextlib.suppress(ValueError):  # the job emitted nothing
                state = RunState(word)
        if can_be_kept:
            write_quiet_ending(run, attempt, QuietEnding(state, said.reason, said.outcome))
            modal_apps.stop_if_over(run)
        return state

    def lines(self, run: RunDir, after: str | None = None) -> Iterator[LogLine]:
        """Return the mirror's lines; :meth:`sync` or :meth:`following` brings it up to date."""
        yield from log_lines(run, after)

    def following(self, run: RunDir, tell: Tell = ignore) -> AbstractContextManager[object]:
        """Keep the mirror up to date from Modal's log while the context is open.

        Raises:
            ElsewhereError: the current profile cannot access the run.
        """
        call = call_of(run)
        if call is None:
            return contextlib.nullcontext()
        from mabe_tui.launch.modal.follow import Follower
        from mabe_tui.launch.modal.place import ElsewhereError, require_account

        try:
            require_account(run, call.place)
        except ElsewhereError:
            raise
        except UserError:
            pass  # a follower retries and is notified
        return Follower(run, call.id, tell)

    def sync(self, run: RunDir, quick: bool = False, say: Say = say_nothing) -> None:
        """Fill the mirror's gaps from Modal's log and the volume; if ``quick``, only fetch new events."""
        from mabe_tui.launch.modal import follow as modal_follow
        from mabe_tui.launch.modal.place import require_account

        if (call := call_of(run)) is None:
            raise RunError(f"{run.id} was never launched: there is nothing of it on Modal")
        require_account(run, call.place)
        if quick:
            modal_follow.hear_latest(run, call.id)
        else:
            modal_follow.catch_up(run, call.id, say=say)

    def stop(self, run: RunDir, grace: float = 60.0) -> StopOutcome:
        """Cancel the call, which the job receives as SIGUSR1; kill the container if that does not help."""
        from mabe_tui.launch.modal import ending as modal_ending

        return modal_ending.stop(run, self.state(run), grace)

    def resume(self, run: RunDir, say: Say = say_nothing) -> Handle:
        """Call the function again; the job continues from the checkpoint on the volume."""
        require_resumable(run, self.state(run))
        with launching([run]):
            if call_of(run) is not None:
                from mabe_tui.launch.modal import ending as modal_ending

                self.sync(run)  # another computer may have resumed it
                require_resumable(run, self.state(run))  # or another command
                modal_ending.require_over(run)
                self.sync(run)  # number the next attempt after all attempts on the volume
            (handle,) = self._launch([run], say=say)
        return handle

    def fetch(self, run: RunDir, path: str, into: Path) -> Path:
        """Download one file of the run from the volume."""
        from mabe_tui.launch.modal import pull as modal_pull

        return modal_pull.fetch(run, path, into)

    def list_foreign(self, known: Collection[Handle]) -> list[ForeignJob]:
        """Return the apps on Modal that none of ``known`` started."""
        from mabe_tui.launch.modal import apps as modal_apps

        ours = {handle.reference.get("app_id") for handle in known if handle.launcher == self.name}
        apps = [app for app in modal_apps.running_apps() if app.id not in ours]
        billed = modal_apps.billed_usd(min(app.created for app in apps)) if apps else {}
        return [
            ForeignJob(
                launcher=self.name,
                reference=app.id,
                description=app.description,
                started=app.created.timestamp(),
                cost_usd=billed.get(app.id),
            )
            for app in apps
        ]


def create() -> ModalLauncher:
    """Create the launcher, for :func:`~mabe_tui.launch.launcher.launcher_named`."""
    return ModalLauncher()


def _place(hardware: HardwareConfig) -> str:
    region = (
        hardware.region if isinstance(hardware.region, str) else "/".join(hardware.region or ())
    )
    return "".join(f", {place}" for place in (region, hardware.cloud) if place)


def _warnings(hardware: HardwareConfig) -> tuple[str, ...]:
    """Return a warning for each GPU name that only Modal can validate."""
    return tuple(
        f"hardware.gpu: {name!r} is new here: no price is known for it, and only Modal can tell whether"
        f" there is such a GPU{nearest(name, GPUS)}"
        for name in unknown_gpus(hardware.gpu)
    )


def _refuse_local_data(request: RunRequest) -> None:
    if request.data is not None and not request.data.startswith(f"{DATA_MOUNT}/"):
        raise ConfigError(
            f"--data {request.data}: Modal cannot see it; `mabe data push {request.data}` brings it"
            f" there, then --data {DATA_MOUNT}/NAME; or train here with --on local"
        )


def _state_before_call(run: RunDir, folder: Path) -> RunState:
    """Return the state of a run without a call: being started, or never launched."""
    is_new = was_touched_lately(folder, LAUNCH_SECONDS)
    return RunState.QUEUED if is_new or is_being_launched(run) else RunState.LOST


def _unknown(run: RunDir, why: str) -> RunState:
    unknown.note(run, why)
    return RunState.UNKNOWN
