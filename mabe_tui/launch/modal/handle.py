"""Contents of ``handle.toml`` for a run on Modal: its call, its app, and their location."""

import msgspec
import tomli_w

from core.config.experiment import to_table
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir

NAME = "modal"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Location on Modal; an empty field is unknown."""

    server: str = ""
    workspace: str = ""
    environment: str = ""

    def __str__(self) -> str:
        named = (("workspace", self.workspace), ("environment", self.environment))
        return ", ".join(f"{what} {name}" for what, name in named if name)

    def has_same_account_as(self, other: "Place") -> bool:
        """Return whether the credentials of one place reach the other, as far as both are known."""
        return _agree(self.server, other.server) and _agree(self.workspace, other.workspace)

    def is_same_as(self, other: "Place") -> bool:
        """Return whether both are known to be the same place."""
        return self == other and bool(self.server and self.workspace and self.environment)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function call that is, or was, an attempt of a run."""

    id: str
    app_id: str = ""
    app_name: str = ""
    calls_in_app: int = 0
    """Number of calls that its app was given, including this one; 0 if unknown."""
    place: Place = Place()
    """Empty in handles of older versions."""

    @property
    def app_url(self) -> str | None:
        """URL of the app's page; ``None`` if its workspace or environment is unknown."""
        place = self.place
        if not (place.workspace and place.environment and self.app_id):
            return None
        return f"https://modal.com/apps/{place.workspace}/{place.environment}/{self.app_id}"


def request_text(request: RunRequest) -> str:
    """Encode a request as ``run.toml``, the argument of a call."""
    return tomli_w.dumps(to_table(request))


def reference_of(call: Call) -> dict[str, str | int | float]:
    """Convert a call to the reference that a handle stores."""
    fields = {
        "app_id": call.app_id,
        "call_id": call.id,
        "app_name": call.app_name,
        "calls_in_app": call.calls_in_app,
        **msgspec.structs.asdict(call.place),
    }
    return {name: value for name, value in fields.items() if value}


def call_in(handle: Handle | None) -> Call | None:
    """Return the call that a handle refers to; ``None`` if it is not a Modal handle."""
    if handle is None or handle.launcher != NAME:
        return None
    known = {name: value for name, value in handle.reference.items() if isinstance(value, str)}
    if "call_id" not in known:
        return None
    calls = handle.reference.get("calls_in_app", 0)
    place = {name: known.get(name, "") for name in Place.__struct_fields__}
    return Call(
        id=known["call_id"],
        app_id=known.get("app_id", ""),
        app_name=known.get("app_name", ""),
        calls_in_app=calls if isinstance(calls, int) else 0,
        place=Place(**place),
    )


def call_of(run: RunDir) -> Call | None:
    """Return the call of the run's newest start; ``None`` if it was never started on Modal."""
    return call_in(run.read_handle())


def calls_of(run: RunDir) -> list[Call]:
    """Return the calls of all starts of the run, oldest first, without duplicates."""
    found = [call for handle in run.read_handles() if (call := call_in(handle)) is not None]
    return list({call.id: call for call in found}.values())


def _agree(one: str, other: str) -> bool:
    return not (one and other) or one == other
