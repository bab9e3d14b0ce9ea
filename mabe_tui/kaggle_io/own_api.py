"""Kaggle's own client with given credentials, time-outs, and no upload left out in silence.

Importing this module imports Kaggle's package, which prints and looks for credentials: see
:func:`mabe_tui.kaggle_io.connect.connect`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from kaggle.api.kaggle_api_extended import KaggleApi
from kagglesdk import KaggleClient
from kagglesdk.kaggle_env import get_env

from mabe_tui.kaggle_io.credentials import Credentials
from mabe_tui.kaggle_io.faults import AGAIN, UnansweredError

CONNECT_SECONDS = 20.0
READ_SECONDS = 120.0


class OwnApi(KaggleApi):  # type: ignore[misc]  # the package ships no types
    """Talks to the server that ``KAGGLE_API_ENVIRONMENT`` names, as the SDK does by itself.

    The base class always talks to the public one, whatever that variable says.

    Args:
        credentials: used for every request; nothing else is searched.
        tell: called with the name of each file before it is uploaded.
    """

    def __init__(self, credentials: Credentials, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._credentials = credentials
        self._tell = tell
        self.read_seconds = READ_SECONDS
        self.config_values = {self.CONFIG_NAME_USER: credentials.username or ""}

    def as_user(self, name: str) -> None:
        """Set the name of the account, which a token does not contain."""
        self.config_values[self.CONFIG_NAME_USER] = name

    def build_kaggle_client(self) -> KaggleClient:
        """Return a client with our credentials and time-outs."""
        found = self._credentials
        client = KaggleClient(
            env=get_env(), username=found.username, password=found.key, api_token=found.token
        )
        client.http_client().__enter__()  # makes the session, which it keeps
        session = client.http_client()._session
        for scheme in ("https://", "http://"):
            session.mount(scheme, _TimedAdapter((CONNECT_SECONDS, self.read_seconds)))
        return client

    def with_retry(self, func: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
        """Return the function itself: the base class repeats requests whose answer was lost.

        Repeating is left to the account, which knows what may be done twice.
        """
        return func

    def upload_files(self, request: Any, resources: Any, folder: str, *rest: Any) -> None:
        """Upload a folder's files.

        Raises:
            UnansweredError: a file was not uploaded; the base class leaves it out.
        """
        super().upload_files(request, resources, folder, *rest)
        expected = sum(path.name != self.DATASET_METADATA_FILE for path in Path(folder).iterdir())
        if len(request.files) != expected:
            raise UnansweredError(
                f"Kaggle: only {len(request.files)} of {expected} files were uploaded; {AGAIN}"
            )

    def upload_complete(self, path: str, url: str, quiet: bool, resume: bool = False) -> Any:
        """Upload one file, or the rest of it."""
        self._tell(Path(path).name)
        return super().upload_complete(path, url, quiet, resume)


class _TimedAdapter(requests.adapters.HTTPAdapter):
    """Gives up on a server that does not answer; the SDK has no time-out."""

    def __init__(self, seconds: tuple[float, float]) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self._seconds
        return super().send(*arguments, **options)
