"""Act as another caller of the stand-in: with another workspace's token, or in another environment."""

import contextlib
import os
from collections.abc import Iterator

from modal.client import _Client

from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client


@contextlib.contextmanager
def calling_as(token: str | None = None, environment: str | None = None) -> Iterator[None]:
    """Be another caller, as after ``modal profile activate`` or with ``MODAL_ENVIRONMENT``."""
    wanted = {"MODAL_TOKEN_ID": token, "MODAL_ENVIRONMENT": environment}
    before = {name: os.environ.get(name) for name in wanted}
    own = _Client._client_from_env
    _set({name: value for name, value in wanted.items() if value is not None})
    _Client._set_env_client(None)
    _forget()
    try:
        yield
    finally:
        _set(before)
        _Client._set_env_client(own)
        _forget()


def _set(variables: dict[str, str | None] | dict[str, str]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _forget() -> None:
    modal_client.forget_probe()
    modal_calls.forget_backoff()
