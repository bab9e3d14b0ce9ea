"""Download a competition's data with Kaggle's own client, resuming after interruptions."""

import contextlib
import io
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import DataError, RunError, UserError
from core.system.lock import in_turn
from core.system.progress import Progress
from mabe_tui.kaggle_io.credentials import HOW, Credentials, find_credentials
from mabe_tui.kaggle_io.receipt import forget_receipt, missing_files, write_receipt
from mabe_tui.kaggle_io.unzip import unzip

RETRIES = 4
LOCK = ".download.lock"
UNPACKED = 2.5
"""Free disk space required, as a multiple of the archive's size, including the archive itself."""
TELL_SECONDS = 0.5


def download(
    folder: Path,
    competition: str,
    progress: Progress | None = None,
    retries: int = RETRIES,
    how: str = HOW,
    anew: bool = False,
) -> int:
    """Download all files of a competition and unpack them into ``folder``; return how many were written.

    One process at a time works on a folder; any other waits for it.

    The archive is kept beside the files until all are unpacked; a partial archive is continued unless Kaggle
    has another version of it by now. A receipt is written (see ``receipt.py``), by which
    :func:`~mabe_tui.kaggle_io.receipt.missing_files` knows that nothing has to be downloaded any more.

    Args:
        folder: destination; it need not exist.
        competition: as in kaggle.com/competitions/NAME.
        progress: called with (done, total, what).
        retries: number of reconnects after a lost connection.
        how: advice shown if credentials are missing or wrong.
        anew: overwrite existing files.

    Raises:
        UserError: credentials are missing or refused, the rules are not accepted, the disk is full, or the
            download was interrupted; the message says what to do.
    """
    credentials = find_credentials(os.environ, Path.home())
    if credentials is None:
        raise UserError(f"no Kaggle credentials: {how}")
    archive = folder / f"{competition}.zip"
    with in_turn(folder / LOCK, progress, "waiting for another download into this folder"):
        if anew:
            forget_receipt(folder)
        elif missing_files(folder, competition) == []:  # the other process has downloaded them
            return 0
        with _in_words(competition, how):
            _fetch(credentials, competition, archive, progress, retries)
        unpacked = unzip(archive, folder, progress, anew)
        write_receipt(folder, competition, unpacked.files)
        archive.unlink()
        return unpacked.written


def _fetch(
    credentials: Credentials,
    competition: str,
    archive: Path,
    progress: Progress | None,
    retries: int,
) -> None:
    api, client, request = _client(credentials)
    request.competition_name = competition
    with client as kaggle:
        response = kaggle.competitions.competition_api_client.download_data_files(request)
        size = int(response.headers.get("Content-Length") or 0)
        _require_space(archive.parent, size)
        if archive.is_file() and size and archive.stat().st_size == size:
            response.close()
            return
        with _reporting_size(archive, size, progress):
            api.download_file(
                response, str(archive), kaggle.http_client(), True, True, max_retries=retries
            )


def _client(credentials: Credentials) -> tuple[Any, Any, Any]:
    # Kaggle's package prints and looks for credentials on import; ours are set by now.
    with contextlib.redirect_stdout(io.StringIO()):
        from kaggle.api.kaggle_api_extended import KaggleApi
        from kagglesdk import KaggleClient
        from kagglesdk.competitions.types.competition_api_service import (
            ApiDownloadDataFilesRequest,
        )
    client = KaggleClient(
        username=credentials.username, password=credentials.key, api_token=credentials.token
    )
    return KaggleApi(), client, ApiDownloadDataFilesRequest()


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size * UNPACKED:
        raise DataError(
            f"{folder}: {free / 2**30:.1f} GiB free, and about {size * UNPACKED / 2**30:.1f} are needed"
        )


@contextmanager
def _reporting_size(archive: Path, size: int, progress: Progress | None) -> Iterator[None]:
    """Report the growing size of the file regularly while the context is open."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(TELL_SECONDS):
            with contextlib.suppress(OSError):
                if progress is not None:
                    progress(archive.stat().st_size, size, "bytes")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _in_words(competition: str, how: str) -> Iterator[None]:
    """Translate an error of Kaggle's client to one line."""
    import requests

    try:
        yield
    except requests.exceptions.HTTPError as error:
        raise _refusal(competition, error, how) from error
    except (requests.exceptions.RequestException, ValueError, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise RunError(
            f"Kaggle: the download broke off ({said}); the same command continues with it"
        ) from error


def _refusal(competition: str, error: Any, how: str) -> UserError:
    status = error.response.status_code if error.response is not None else 0
    match status:
        case 401:
            return UserError(f"Kaggle refuses the credentials; {how}")
        case 403:
            return UserError(
                f"Kaggle wants the rules accepted first: kaggle.com/competitions/{competition}/rules"
            )
        case 404:
            return UserError(f"Kaggle knows no competition {competition!r}")
        case 429:
            after = error.response.headers.get("Retry-After")
            when = f"in {after} s" if after else "in a few minutes"
            return UserError(f"Kaggle wants fewer requests; the same command works {when}")
        case _:
            return UserError(f"Kaggle answers {status}; try again later")
