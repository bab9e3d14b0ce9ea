"""The apps that are alive on Modal, whoever started them, and what they have been billed for."""

import contextlib
import datetime as dt
from typing import Any

import modal
import modal.experimental
import msgspec

from core.errors import UserError
from mabe_tui.launch.modal.client import ask

LONGEST_REPORT = dt.timedelta(days=30)


class RunningApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app that is alive on Modal."""

    id: str
    description: str
    created: dt.datetime


def running_apps() -> list[RunningApp]:
    """List the apps of this environment that may cost money now: a deployed one without containers does not.

    Raises:
        UserError: Modal cannot be asked.
    """

    async def question() -> list[RunningApp]:
        environment = modal.Environment.from_context()
        deployed = await modal.experimental.list_deployed_apps.aio()
        idle = {app.app_id for app in deployed if not app.containers}
        apps = await environment.apps.list.aio()
        return [await _described(app) for app in apps if app.app_id not in idle]

    return ask(question)


async def _described(app: Any) -> RunningApp:
    info: Any = await app.info.aio()
    return RunningApp(
        id=str(app.app_id),
        description=str(info.description or app.name or ""),
        created=info.lifecycle.created_at or dt.datetime.now(dt.UTC),
    )


def billed_usd(since: dt.datetime) -> dict[str, float]:
    """Give what Modal has billed each app for, in full hours only; empty where the plan has no report."""

    async def question() -> dict[str, float]:
        start = max(since, dt.datetime.now(dt.UTC) - LONGEST_REPORT).astimezone(dt.UTC)
        billing = modal.Workspace.from_context().billing
        found: dict[str, float] = {}
        for item in await billing.report.aio(start=start, resolution="h"):
            found[item.object_id] = found.get(item.object_id, 0.0) + float(item.cost)
        return found

    with contextlib.suppress(UserError):  # what it costs is good to know; that it is there, more so
        return ask(question)
    return {}
