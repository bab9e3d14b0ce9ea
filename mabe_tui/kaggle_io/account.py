"""Calls of Kaggle's client for one account, with typed answers."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mabe_tui.kaggle_io.answers import (
    KernelOutput,
    KernelSession,
    PushedKernel,
    RemoteDataset,
    RemoteKernel,
    RemoteSubmission,
    Standing,
)
from mabe_tui.kaggle_io.asking import Asking, Say
from mabe_tui.kaggle_io.faults import RefusedError, one_line

if TYPE_CHECKING:
    from mabe_tui.kaggle_io.own_api import OwnApi

PAGES = 50
"""Pages of a list that are read at most."""


class Account(Asking):
    """One account; :func:`mabe_tui.kaggle_io.connect.connect` makes it.

    Args:
        api: Kaggle's client.
        name: of the user, the first part of every slug.
        say: called with a sentence before each pause.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self, api: "OwnApi", name: str, say: Say, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(say, sleep)
        self._api = api
        self.name = name

    def standing(self, competition: str) -> Standing:
        """Return the account's state in a competition, and how often it may still submit today."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

        request = ApiGetCompetitionRequest()
        request.competition_name = competition

        def ask() -> Standing:
            with self._api.build_kaggle_client() as kaggle:
                found = kaggle.competitions.competition_api_client.get_competition(request)
            limits = self._api.competition_get_submission_limits(competition)
            return Standing(
                entered=bool(found.user_has_entered),
                disabled=bool(found.submissions_disabled),
                deadline=found.deadline,
                rank=found.user_rank or None,
                used_today=limits.num_today,
                left_today=limits.num_allowed_now,
                limited_by_total=bool(limits.limited_by_total),
            )

        return self.read(f"asking about {competition}", ask)

    # ── dataset ───────────────────────────────────────────────────────────────────────────────

    def dataset(self, slug: str) -> RemoteDataset | None:
        """Return a dataset; ``None`` if the account has none of this name."""
        from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

        request = ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = self.name, slug

        def ask() -> RemoteDataset:
            with self._api.build_kaggle_client() as kaggle:
                found = kaggle.datasets.dataset_api_client.get_dataset(request)
            return RemoteDataset(
                version=found.current_version_number or 0, description=found.description or ""
            )

        return self.absent(lambda: self.read(f"asking for the dataset {slug}", ask))

    def dataset_status(self, slug: str) -> str:
        """Return ``ready``, ``failed`` or a step on the way; empty if there is no such dataset yet."""
        ref = f"{self.name}/{slug}"
        doing = f"asking for the dataset {slug}"
        found = self.absent(lambda: self.read(doing, lambda: self._api.dataset_status(ref)))
        return str(found or "")

    def push_dataset(self, folder: Path, notes: str, new: bool) -> None:
        """Upload a folder as a private dataset, or as a new version of one.

        Raises:
            RefusedError: Kaggle rejects it, for example because the name is taken.
            UnansweredError: it may or may not have arrived.
        """

        def push() -> Any:
            if new:
                return self._api.dataset_create_new(
                    str(folder), public=False, quiet=True, convert_to_csv=False, dir_mode="zip"
                )
            return self._api.dataset_create_version(
                str(folder), notes, quiet=True, convert_to_csv=False, dir_mode="zip"
            )

        answer = self.write("uploading the dataset", push)
        if (answer.status or "").lower() == "error" or answer.error:
            said = one_line(answer.error or answer.status)
            raise RefusedError(
                f"Kaggle does not take the dataset: {said}; --name gives it another name", 0, said
            )

    # ── notebook ──────────────────────────────────────────────────────────────────────────────

    def kernel(self, slug: str) -> RemoteKernel | None:
        """Return a notebook; ``None`` if the account has none of this name."""
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

        request = ApiGetKernelRequest()
        request.user_name, request.kernel_slug = self.name, slug

        def ask() -> RemoteKernel:
            with self._api.build_kaggle_client() as kaggle:
                found = kaggle.kernels.kernels_api_client.get_kernel(request)
            return RemoteKernel(
                version=found.metadata.current_version_number or 0,
                source=(found.blob.source or "") if found.blob is not None else "",
            )

        return self.absent(lambda: self.read(f"asking for the notebook {slug}", ask))

    def push_kernel(self, folder: Path) -> PushedKernel:
        """Push a notebook and have it run. The answer may name sources that Kaggle does not attach."""
        answer = self.write("pushing the notebook", lambda: self._api.kernels_push(str(folder)))
        lists = (
            answer.invalid_dataset_sources,
            answer.invalid_competition_sources,
            answer.invalid_kernel_sources,
            answer.invalid_model_sources,
        )
        return PushedKernel(
            version=answer.version_number or 0,
            url=answer.url or "",
            error=one_line(answer.error or ""),
            invalid=tuple(source for sources in lists for source in sources or ()),
        )

    def session(self, slug: str, version: int) -> KernelSession:
        """Return how one version of a notebook runs; the client's own wrapper looks at the newest."""
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

        request = ApiGetKernelSessionStatusRequest()
        request.user_name, request.kernel_slug = self.name, slug
        request.version_label = _label(version)

        def ask() -> KernelSession:
            with self._api.build_kaggle_client() as kaggle:
                found = kaggle.kernels.kernels_api_client.get_kernel_session_status(request)
            return KernelSession(
                status=found.status.name, failure=one_line(found.failure_message or "")
            )

        return self.read("asking for the notebook's state", ask)

    def output(self, slug: str, version: int) -> KernelOutput:
        """Return the files and the log that one version of a notebook left."""
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        request = ApiListKernelSessionOutputRequest()
        request.user_name, request.kernel_slug = self.name, slug
        request.version_label = _label(version)
        request.page_size = 100

        def ask() -> KernelOutput:
            files: dict[str, str] = {}
            log = ""
            with self._api.build_kaggle_client() as kaggle:
                for _ in range(PAGES):
                    page = kaggle.kernels.kernels_api_client.list_kernel_session_output(request)
                    files |= {item.file_name: item.url for item in page.files or ()}
                    log = log or page.log or ""
                    if not page.next_page_token:
                        break
                    request.page_token = page.next_page_token
            return KernelOutput(files=files, log=log)

        return self.read("listing the notebook's output", ask)

    def download(self, address: str) -> bytes:
        """Return the content of a file that a notebook left."""
        import requests

        def fetch() -> bytes:
            response = requests.get(address, timeout=(20, 120))
            response.raise_for_status()
            return response.content

        return self.read("downloading the notebook's output", fetch)

    # ── submission ────────────────────────────────────────────────────────────────────────────

    def submit(self, competition: str, kernel: str, version: int, file: str, message: str) -> int:
        """Submit the output of one version of a notebook; return the submission's number.

        Raises:
            RefusedError: nothing was submitted.
            UnansweredError: it may or may not have been submitted, and counted.
        """
        answer = self.write(
            "submitting",
            lambda: self._api.competition_submit_code(
                file, message, competition, f"{self.name}/{kernel}", version, quiet=True
            ),
        )
        return int(answer.ref)

    def submission(self, ref: int) -> RemoteSubmission:
        """Return a submission with its scores, as far as known."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

        request = ApiGetSubmissionRequest()
        request.ref = ref

        def ask() -> RemoteSubmission:
            with self._api.build_kaggle_client() as kaggle:
                found = kaggle.competitions.competition_api_client.get_submission(request)
            return _submission(found)

        return self.read("asking for the score", ask)

    def submissions(self, competition: str) -> list[RemoteSubmission]:
        """Return the account's latest submissions."""
        found = self.read(
            "listing the submissions", lambda: self._api.competition_submissions(competition)
        )
        return [_submission(each) for each in found or () if each is not None]


def _label(version: int) -> str:
    """Return a version of a notebook as requests want it: the bare number is answered with 404."""
    return f"v{version}"


def _submission(found: Any) -> RemoteSubmission:
    return RemoteSubmission(
        ref=found.ref,
        status=found.status.name,
        description=found.description or "",
        error=one_line(found.error_description or ""),
        public=_score(found.public_score),
        private=_score(found.private_score),
    )


def _score(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
