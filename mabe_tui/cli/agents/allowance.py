"""What an agent may change and spend."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import UserError


class Allowance:
    """Permission to change things, up to a sum of budgets.

    Args:
        changes: whether runs may be started and stopped.
        dollars: the most that the budgets of all runs that are started may come to.
    """

    def __init__(self, changes: bool = False, dollars: float = 0.0) -> None:
        self.changes = changes
        self._dollars, self._spent = dollars, 0.0
        self._lock = threading.Lock()

    @contextmanager
    def spending(self, budget: float) -> Iterator[None]:
        """Count a run's budget while it is started; if that fails, it is not counted.

        Raises:
            UserError: the budgets would come to more than is allowed.
        """
        with self._lock:
            if not self._spent + budget <= self._dollars:  # not a number, too
                raise UserError(
                    f"budget_usd {budget:g}: ${self._dollars - self._spent:.2f} of"
                    f" ${self._dollars:.2f} are left for runs of this server (mabe mcp --budget)"
                )
            self._spent += budget
        try:
            yield
        except BaseException:
            with self._lock:
                self._spent -= budget
            raise
