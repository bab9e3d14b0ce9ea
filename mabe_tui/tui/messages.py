"""What workers tell screens. A worker never touches a widget: it posts one of these, a handler shows it."""

from textual.message import Message


class Problem(Message):
    """Something could not be done; one line that says what, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Done(Message):
    """Something was done that a person asked for; one line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
