"""Runs on Modal: detached function calls that outlive this computer, seen through a local mirror.

Nothing here imports the ``modal`` package before it has to: a finished run needs none of it.
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
from core.run.rundir import Handle, RunDir, RunRequest
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
"""Of Modal's time-out, what is kept for the last checkpoint and its commit."""


class ModalLauncher:
    """Calls the one function of ``modal_app.py``, detached, and reaches it by the call's id."""

    name = NAME

    def prepare(self, request: RunRequest) -> RunRequest:
        """Add the limits that Modal's time-out and prices impose, for the job to keep them itself."""
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
        """Describe the machine and its price; asks nobody."""
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
        """Ask Modal whether it is there, and the volume whether the run's data are."""
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
        """Call the function for each, in an app a run; with ``parallel``, in one that keeps to it."""
        with launching(runs):
            self._launch(runs, parallel, say)

    def _launch(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> list[Handle]:
        requests = [run.read_request() for run in runs]
        for request in requests:
            _refuse_local_data(request)
            rate_of(request.experiment.hardware)  # refuses what Modal does not have
        from mabe_tui.launch.modal import client as modal_client
        from mabe_tui.launch.modal import spawn as modal_spawn
        from mabe_tui.launch.modal.place import here

        modal_client.require()
        (machine,) = {machine_of(request) for request in requests}
        return modal_spawn.spawn(
            [*zip(runs, requests, strict=True)], machine, here(), parallel, say
        )

    def state(self, run: RunDir) -> RunState:
        """Derive the state from what the newest attempt said, and from what Modal says of the call."""
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
        from mabe_tui.launch.modal.calls import Outcome
        from mabe_tui.launch.modal.lookup import state_of_call

        try:
            said = state_of_call(run, call)
        except UserError as error:
            return _unknown(run, str(error))
        unknown.forget(run)
        if said.outcome is not Outcome.RUNNING:
            return self._state_at_end(run, call, said)
        if run.stop_requested(attempt):
            return RunState.STOPPING
        # A preempted call is given another machine without being asked again.
        speaks = ended is None and has_spoken(run, attempt)
        return RunState.RUNNING if speaks else RunState.QUEUED

    def _state_at_end(self, run: RunDir, call: Call, said: "CallState") -> RunState:
        """Find out how a call that is over ended: by the run's own last word, else by Modal's."""
        from mabe_tui.launch.modal import apps as modal_apps
        from mabe_tui.launch.modal import calls as modal_calls
        from mabe_tui.launch.modal import follow as modal_follow
        from mabe_tui.launch.modal.calls import Outcome
        from mabe_tui.launch.modal.client import ModalError

        why = "another process is fetching"
        is_heard = can_be_kept = True
        try:
            is_heard = modal_follow.catch_up(run, call.id)
        except (UnreachableError, ModalError) as error:
            is_heard, why = False, str(error)
        except UserError:
            can_be_kept = False  # waiting would not help: by what is known here
        newest = call_of(run)
        if newest is not None and newest.id != call.id:
            return self.state(run)  # another computer has started it again, as the volume says
        attempt = newest_attempt(run) or ""
        ended = attempt_ending(run, attempt)
        if ended is not None:
            return ended
        if not is_heard:  # its last word may be on the volume still
            return _unknown(run, f"its call is over, and its last words are to be fetched ({why})")
        stopped = said.outcome is Outcome.CANCELLED or run.stop_requested(attempt)
        state = RunState.STOPPED if stopped else RunState.LOST
        if said.outcome is Outcome.RETURNED:
            # No commit held its last word, nor does the log: the container knew it all the same.
            try:
                word = modal_calls.returned(call.id)
            except UserError as error:
                return _unknown(
                    run, f"its call is over, and what it returned is not known ({error})"
                )
            with contextlib.suppress(ValueError):  # it had nothing to say
                state = RunState(word)
        if can_be_kept:
            write_quiet_ending(run, attempt, QuietEnding(state, said.reason, said.outcome))
            modal_apps.stop_if_over(run)
        return state

    def lines(self, run: RunDir, after: str | None = None) -> Iterator[LogLine]:
        """Return the lines of the mirror; :meth:`sync` or :meth:`following` brings it up to date."""
        yield from log_lines(run, after)

    def following(self, run: RunDir, tell: Tell = ignore) -> AbstractContextManager[object]:
        """Keep the mirror up to date from Modal's log while the context is open.

        Raises:
            ElsewhereError: the current profile does not reach the run.
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
            pass  # whoever follows tries again, and is told
        return Follower(run, call.id, tell)

    def sync(self, run: RunDir, quick: bool = False, say: Say = say_nothing) -> None:
        """Fill every hole of the mirror from Modal's log and the volume; or only hear the latest."""
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
        """Cancel the call, which the job hears of as SIGUSR1; end the container if that does not help."""
        from mabe_tui.launch.modal import ending as modal_ending

        return modal_ending.stop(run, self.state(run), grace)

    def resume(self, run: RunDir, say: Say = say_nothing) -> Handle:
        """Call the function again; the job goes on from the checkpoint on the volume."""
        require_resumable(run, self.state(run))
        with launching([run]):
            if call_of(run) is not None:
                from mabe_tui.launch.modal import ending as modal_ending

                self.sync(run)  # another computer may have resumed it
                require_resumable(run, self.state(run))  # or another command
                modal_ending.require_over(run)
                self.sync(run)  # the next attempt's number comes after all that the volume has
            (handle,) = self._launch([run], say=say)
        return handle

    def fetch(self, run: RunDir, path: str, into: Path) -> Path:
        """Bring one file of the run from the volume."""
        from mabe_tui.launch.modal import pull as modal_pull

        return modal_pull.fetch(run, path, into)

    def list_foreign(self, known: Collection[Handle]) -> list[ForeignJob]:
        """Name the apps on Modal that none of ``known`` started."""
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
    """Make the launcher, for :func:`~mabe_tui.launch.launcher.launcher_named`."""
    return ModalLauncher()


def _place(hardware: HardwareConfig) -> str:
    region = (
        hardware.region if isinstance(hardware.region, str) else "/".join(hardware.region or ())
    )
    return "".join(f", {place}" for place in (region, hardware.cloud) if place)


def _warnings(hardware: HardwareConfig) -> tuple[str, ...]:
    """Return a sentence for each GPU whose name only Modal can tell to be right."""
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
    """Return the state of a run that has no call: it is being started, or was never."""
    is_new = was_touched_lately(folder, LAUNCH_SECONDS)
    return RunState.QUEUED if is_new or is_being_launched(run) else RunState.LOST


def _unknown(run: RunDir, why: str) -> RunState:
    unknown.note(run, why)
    return RunState.UNKNOWN
