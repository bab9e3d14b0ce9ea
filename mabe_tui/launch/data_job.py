"""Download, unpack, check and prepare a competition's data where they will be stored.

Runs inside a container and is independent of Modal. After an interruption the same request continues
where it left off: ``.download.json`` beside the data records the progress.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from core.data.check import check
from core.data.labels import ActionMap
from core.data.prepared import prepare
from core.errors import UserError
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.progress import Progress, sparing
from mabe_tui.kaggle_io.download import download
from mabe_tui.launch.data_messages import (
    SECRET_HELP,
    STATUS,
    DownloadFailed,
    DownloadProgress,
    DownloadReady,
    DownloadRequest,
    Say,
    Status,
)

RETRIES = 10
TELL_SECONDS = 1.0


class DataJob:
    """One download request, on a mounted volume."""

    def __init__(
        self,
        order: DownloadRequest,
        mount: Path,
        workers: int,
        commit: Callable[[], object],
        say: Say,
    ) -> None:
        """Prepare the job without starting it.

        Args:
            order: the request.
            mount: where the volume is mounted.
            workers: number of preparation processes, each holding one video.
            commit: called to request that everything written so far be persisted.
            say: progress callback, called about once a second.
        """
        self._order, self._workers, self._commit = order, workers, commit
        self._folder, self._cache = mount / order.name, mount / "cache"
        self._tell = sparing(_reporting(say), TELL_SECONDS)

    def carry_out(self) -> DownloadReady | DownloadFailed:
        """Do the remaining work; return failures as messages, since retrying would not fix them."""
        self._keep(msgspec.structs.replace(self._status(), ended=None))
        try:
            if not self._status().is_unpacked:
                self._fetch()
            ended: DownloadReady | DownloadFailed = self._check_and_prepare()
        except UserError as error:
            ended = DownloadFailed(error=str(error))
        self._keep(msgspec.structs.replace(self._status(), ended=ended))
        return ended

    def _fetch(self) -> None:
        order = self._order
        advice = SECRET_HELP.format(secret=order.secret)
        download(self._folder, order.competition, self._tell, RETRIES, advice)
        self._keep(Status(competition=order.competition, is_unpacked=True))

    def _check_and_prepare(self) -> DownloadReady:
        """Check and prepare the data as ``mabe data check`` and ``mabe data prepare`` do."""
        order = self._order
        actions = None if order.actions is None else ActionMap(order.actions, order.classes)
        report = check(
            self._folder, actions, order.keypoints, order.mice, _of(self._tell, "checked")
        )
        prepared = prepare(
            self._folder,
            self._cache,
            order.keypoints,
            order.mice,
            self._workers,
            _of(self._tell, "prepared"),
            order.skip_bad,
        )
        return DownloadReady(
            videos=len(prepared.videos),
            frames=sum(video.frames for video in prepared.videos),
            prepared=prepared.folder.name,
            report=report,
        )

    def _status(self) -> Status:
        """Return the folder's recorded progress; a fresh one if it records nothing of this competition."""
        fresh = Status(competition=self._order.competition)
        try:
            status = msgspec.json.decode((self._folder / STATUS).read_bytes(), type=Status)
        except (OSError, *UNDECODABLE):
            return fresh
        return status if status.competition == self._order.competition else fresh

    def _keep(self, status: Status) -> None:
        write_bytes_atomically(self._folder / STATUS, msgspec.json.encode(status))
        self._commit()


def _of(tell: Progress, what: str) -> Progress:
    """Append the phase to the unit, since two phases count the same unit."""
    return lambda done, total, unit: tell(done, total, f"{unit} {what}" if total else unit)


def _reporting(say: Say) -> Progress:
    return lambda done, total, unit: say(DownloadProgress(done=done, total=total, unit=unit))
