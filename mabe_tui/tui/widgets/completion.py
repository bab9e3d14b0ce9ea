"""A suggester that asks a function."""

from collections.abc import Callable

from textual.suggester import Suggester


class Completion(Suggester):
    """Suggests what a function returns for the typed text."""

    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the completion."""
        return self._complete(value)
