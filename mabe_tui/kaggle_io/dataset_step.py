"""Push the dataset, unless Kaggle has it, and wait until notebooks can use it."""

from core.errors import RunError
from mabe_tui.kaggle_io.faults import UnansweredError
from mabe_tui.kaggle_io.journal import UNKNOWN
from mabe_tui.kaggle_io.step import DeliveryStep


class DatasetStep(DeliveryStep):
    """See the module."""

    def run(self) -> None:
        """Do what is left to do.

        Raises:
            UserError: it cannot go on; says why.
        """
        self._push_dataset()
        self._wait_for_dataset()

    def _push_dataset(self) -> None:
        if self.record.dataset_pushed:
            return
        if not self._has_dataset():
            found = self.account.dataset(self.record.slug)
            self.journal.note(dataset_before=found.version if found is not None else 0)
            self.say(f"dataset {self.record.ref}: uploading")
            try:
                self.account.push_dataset(
                    self.stage / "dataset", f"mabe {self.record.digest}", new=found is None
                )
            except UnansweredError:
                if not self._has_dataset():
                    raise
        self.journal.note(dataset_pushed=True)

    def _has_dataset(self) -> bool:
        """Return whether there is a version beyond the one before our push."""
        before = self.record.dataset_before
        if before == UNKNOWN:
            return False
        found = self.account.dataset(self.record.slug)
        return found is not None and found.version > before

    def _wait_for_dataset(self) -> None:
        if self.record.dataset_ready:
            return

        def is_ready() -> bool:
            status = self.account.dataset_status(self.record.slug)
            if status in ("failed", "deleted"):
                self.journal.note(dataset_pushed=False, dataset_before=UNKNOWN)
                raise RunError(
                    f"Kaggle: the dataset {self.record.ref} is {status}; the same command pushes it again"
                )
            return status == "ready" and self._has_dataset()

        what = f"the dataset {self.record.ref}"
        self.wait(is_ready, self.patience.dataset, f"{what} being made", what)
        self.journal.note(dataset_ready=True)
        self.say(f"dataset {self.record.ref}: ready")
