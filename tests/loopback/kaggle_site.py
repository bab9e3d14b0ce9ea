"""Stand-in for the part of Kaggle that takes submissions: datasets, notebooks, a code competition.

It keeps what it is given, in memory. ``faults`` holds what goes wrong: for a method, the faults that its next
calls meet, one each.
"""

import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.loopback.kaggle_server import PORT

URL = f"http://localhost:{PORT}"
USER = "me"
ORIGIN = "2026-12-01T00:00:00Z"


@dataclass
class Fault:
    """An answer instead of the right one."""

    status: int = 0
    """0: none at all, the connection closes."""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Whether it was done nevertheless, so that only the answer is lost."""
    answer: dict[str, Any] | None = None
    """Fields of the right answer that are replaced; it is no error then."""


@dataclass
class Ran:
    """What a notebook came to."""

    status: str = "COMPLETE"
    files: dict[str, bytes] = field(default_factory=dict)
    log: str = ""
    failure: str = ""


@dataclass
class Notebook:
    body: dict[str, Any]
    ran: Ran
    looks: int = 0


@dataclass
class Site:
    """What Kaggle holds; see the module."""

    competition: str = "mice"
    run: Callable[[dict[str, Any], dict[str, bytes]], Ran] = lambda *_: Ran()
    """Runs a notebook: what was pushed, and the files of its dataset."""
    looks: int = 1
    """How often one looks before something is done."""
    left_today: int = 5
    used_today: int = 0
    entered: bool = True
    disabled: bool = False
    deadline: str = "2030-01-01T00:00:00Z"
    scored: dict[str, Any] = field(
        default_factory=lambda: {"status": "COMPLETE", "publicScore": "0.41", "privateScore": "0.4"}
    )
    """Fields of a submission once it is scored."""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    upload_cuts: list[int] = field(default_factory=list)
    """The next uploads take only so many bytes, and answer 503."""
    upload_refusals: list[int] = field(default_factory=list)
    """The next uploads are refused with these statuses."""
    calls: list[str] = field(default_factory=list)
    authorization: set[str] = field(default_factory=set)
    datasets: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    """Slug → files of each version."""
    kernels: dict[str, list[Notebook]] = field(default_factory=dict)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, tuple[str, bytearray, int]] = field(default_factory=dict)
    dataset_looks: int = 0
    descriptions: dict[str, str] = field(default_factory=dict)

    def count(self, method: str) -> int:
        """Return how often a method was called."""
        return self.calls.count(method)

    # ── methods ───────────────────────────────────────────────────────────────────────────────

    def answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a method does."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
        return getattr(self, f"on_{name}")(body)  # type: ignore[no-any-return]

    def on_get_competition(self, body: dict[str, Any]) -> dict[str, Any]:
        require(body["competitionName"] == self.competition, 404, "no such competition")
        return {
            "userHasEntered": self.entered,
            "submissionsDisabled": self.disabled,
            "deadline": self.deadline,
            "userRank": 7 if self.submissions else 0,
            "isKernelsSubmissionsOnly": True,
        }

    def on_get_submission_limits(self, _: dict[str, Any]) -> dict[str, Any]:
        left = self.left_today - len(self.submissions)
        return {"numToday": self.used_today + len(self.submissions), "numAllowedNow": left}

    def on_get_dataset(self, body: dict[str, Any]) -> dict[str, Any]:
        versions = self._dataset(body)
        return {
            "ref": f"{USER}/{body['datasetSlug']}",
            "currentVersionNumber": len(versions),
            "description": self.descriptions[body["datasetSlug"]],
        }

    def on_get_dataset_status(self, body: dict[str, Any]) -> dict[str, Any]:
        self._dataset(body)
        self.dataset_looks += 1
        return {"status": "READY" if self.dataset_looks > self.looks else "BLOBS_RECEIVED"}

    def _dataset(self, body: dict[str, Any]) -> list[dict[str, bytes]]:
        require(body["datasetSlug"] in self.datasets, 404, "no such dataset")
        return self.datasets[body["datasetSlug"]]

    def on_start_blob_upload(self, body: dict[str, Any]) -> dict[str, Any]:
        token = f"blob{len(self.blobs)}"
        self.blobs[token] = (body["name"], bytearray(), int(body["contentLength"]))
        return {"token": token, "createUrl": f"{URL}/upload/{token}"}

    def on_create_dataset(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["slug"] in self.datasets:
            return {"status": "error", "error": f"The slug {body['slug']} is already in use"}
        return self._new_version(body["slug"], body)

    def on_create_dataset_version(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._new_version(body["datasetSlug"], body["body"])

    def _new_version(self, slug: str, body: dict[str, Any]) -> dict[str, Any]:
        blobs = [self.blobs[file["token"]] for file in body["files"]]
        assert all(len(content) == size for _, content, size in blobs)
        files = {name: bytes(content) for name, content, _ in blobs}
        self.datasets.setdefault(slug, []).append(files)
        self.descriptions[slug] = body.get("description") or ""
        self.dataset_looks = 0
        return {"ref": f"/{USER}/{slug}", "url": f"{URL}/datasets/{USER}/{slug}", "status": "ok"}

    def on_get_kernel(self, body: dict[str, Any]) -> dict[str, Any]:
        require(body["kernelSlug"] in self.kernels, 403, "Permission 'kernels.get' was denied")
        versions = self.kernels[body["kernelSlug"]]
        return {
            "metadata": {"currentVersionNumber": len(versions)},
            "blob": {"source": versions[-1].body["text"]},
        }

    def on_save_kernel(self, body: dict[str, Any]) -> dict[str, Any]:
        owner, _, slug = body["slug"].partition("/")
        assert owner == USER
        missing = [
            s for s in body["datasetDataSources"] if s.partition("/")[2] not in self.datasets
        ]
        files = (
            {} if missing else self.datasets[body["datasetDataSources"][0].partition("/")[2]][-1]
        )
        ran = Ran("ERROR") if missing else self.run(body, files)
        versions = self.kernels.setdefault(slug, [])
        versions.append(Notebook(body, ran))
        return {
            "ref": body["slug"],
            "url": f"{URL}/code/{body['slug']}",
            "versionNumber": len(versions),
            "invalidDatasetSources": missing,
        }

    def on_get_kernel_session_status(self, body: dict[str, Any]) -> dict[str, Any]:
        notebook = self._version(body)
        notebook.looks += 1
        if notebook.looks <= self.looks:
            return {"status": "RUNNING"}
        return {"status": notebook.ran.status, "failureMessage": notebook.ran.failure}

    def on_list_kernel_session_output(self, body: dict[str, Any]) -> dict[str, Any]:
        notebook = self._version(body)
        names = sorted(notebook.ran.files)
        first = int(body.get("pageToken") or 0)  # one file a page
        page = [
            {"url": f"{URL}/output/{body['kernelSlug']}/{body['versionLabel']}/{n}", "fileName": n}
            for n in names[first : first + 1]
        ]
        more = str(first + 1) if first + 1 < len(names) else ""
        return {"files": page, "log": notebook.ran.log, "nextPageToken": more}

    def _version(self, body: dict[str, Any]) -> Notebook:
        label = re.fullmatch(r"v(\d+)", body.get("versionLabel") or "")
        require(label is not None, 404, "no such version")
        assert label is not None
        versions = self.kernels.get(body["kernelSlug"], [])
        require(0 < int(label[1]) <= len(versions), 404, "no such version")
        return versions[int(label[1]) - 1]

    def on_create_code_submission(self, body: dict[str, Any]) -> dict[str, Any]:
        notebook = self.kernels[body["kernelSlug"]][body["kernelVersion"] - 1]
        assert body["fileName"] in notebook.ran.files
        self.submissions.append(
            {
                "ref": 1000 + len(self.submissions),
                "status": "PENDING",
                "description": body["submissionDescription"],
                "looks": 0,
            }
        )
        return {"message": "Successfully submitted", "ref": self.submissions[-1]["ref"]}

    def on_get_submission(self, body: dict[str, Any]) -> dict[str, Any]:
        found = next(each for each in self.submissions if each["ref"] == body["ref"])
        found["looks"] += 1
        if found["looks"] > self.looks:
            found |= self.scored
        return {key: value for key, value in found.items() if key != "looks"}

    def on_list_submissions(self, _: dict[str, Any]) -> dict[str, Any]:
        shown = [{k: v for k, v in s.items() if k != "looks"} for s in self.submissions]
        return {"submissions": shown[::-1]}

    def on_introspect_token(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"active": body["token"] == "t0ken", "username": USER}

    # ── uploads ───────────────────────────────────────────────────────────────────────────────

    def upload(self, token: str, content: bytes, where: str) -> tuple[int, dict[str, str]]:
        """Take a file or a part of one; return status and headers as Google's storage does."""
        _, kept, size = self.blobs[token]
        if where.startswith("bytes */"):
            if len(kept) == size:
                return 200, {}
            return 308, {"Range": f"bytes=0-{len(kept) - 1}"} if kept else {}
        if self.upload_refusals:
            return self.upload_refusals.pop(0), {}
        first = int(where.removeprefix("bytes ").partition("-")[0]) if where else 0
        del kept[first:]
        cut = self.upload_cuts.pop(0) if self.upload_cuts else None
        kept += content[:cut]
        return (200 if len(kept) == size else 503), {}


class RefusedRequestError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


def require(right: bool, status: int, message: str) -> None:
    if not right:
        raise RefusedRequestError(status, message)


class SiteHandler(BaseHTTPRequestHandler):
    """Speaks HTTP for a site."""

    site: Site

    def do_POST(self) -> None:
        self.site.authorization.add(self.headers.get("Authorization", ""))
        method = self.path.rpartition("/")[2]
        body = json.loads(self._content() or b"{}")
        self.site.calls.append(method)
        queue = self.site.faults.get(method) or []
        fault = queue.pop(0) if queue else None
        try:
            if fault is not None and fault.answer is None and not fault.after:
                return self._fail(fault)
            answer = self.site.answer(method, body)
        except RefusedRequestError as error:
            return self._send(error.status, {"code": error.status, "message": error.message})
        if fault is not None and fault.answer is None:
            return self._fail(fault)
        return self._send(200, answer | (fault.answer or {} if fault is not None else {}))

    def do_PUT(self) -> None:
        token = self.path.rpartition("/")[2]
        where = self.headers.get("Content-Range") or ""
        status, headers = self.site.upload(token, self._content(), where)
        self._send(status, {}, headers)

    def do_GET(self) -> None:
        _, _, slug, label, name = self.path.split("/", 4)
        assert not self.headers.get("Authorization")
        content = self.site.kernels[slug][int(label[1:]) - 1].ran.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _content(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _fail(self, fault: Fault) -> None:
        if not fault.status:
            self.close_connection = True
            self.connection.close()
            return
        body = {"code": fault.status, "message": fault.message}
        self._send(fault.status, body, fault.headers)

    def _send(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def kaggle_site(site: Site) -> Iterator[Site]:
    """Serve it where Kaggle's client expects a test server; one test at a time has that port."""
    lock = Path(tempfile.gettempdir()) / f"mabe-test-{PORT}.lock"
    with FileLock(lock):
        handler = type("Handler", (SiteHandler,), {"site": site})
        server = ThreadingHTTPServer(("127.0.0.1", PORT), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield site
        finally:
            server.shutdown()
            server.server_close()
