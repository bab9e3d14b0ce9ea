"""Account data of the stand-in cloud: price list, bill, secrets."""

# The methods have the names of Modal's own calls.
# ruff: noqa: N802

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from grpclib import Status
from modal_proto import api_pb2

from tests.loopback.answers import environment_named
from tests.loopback.plane import CALLER, OTHER_TOKEN, TOKEN, Plane, refuse

if TYPE_CHECKING:
    from tests.loopback.state import Cloud

RATES = {
    "cpu_hour_cost": "0.04730",
    "cpu_hour_cost_sandbox": "0.141900",
    "gpu_hour_cost_a100_40gb": "2.10000",
    "gpu_hour_cost_a100_80gb": "2.50000",
    "gpu_hour_cost_a10g": "1.10000",
    "gpu_hour_cost_b200": "6.25000",
    "gpu_hour_cost_h100": "3.95000",
    "gpu_hour_cost_h200": "4.54000",
    "gpu_hour_cost_l4": "0.80000",
    "gpu_hour_cost_l40s": "1.95000",
    "gpu_hour_cost_rtx6000": "3.03000",
    "gpu_hour_cost_t4": "0.59000",
    "mem_gib_hour_cost": "0.00800",
    "volume_storage_gib_month_cost": "0.09000",
}
"""As ``modal billing rates --json`` gave them in August 2026."""


@dataclass
class Account:
    """What a test may set; ``reset`` puts it back."""

    rates: dict[str, str] = field(default_factory=lambda: dict(RATES))
    workspaces: dict[str, str] = field(
        default_factory=lambda: {TOKEN: "loopback", OTHER_TOKEN: "other"}
    )
    """By token: whose it is. What was made with another workspace's token is not found."""
    environments: list[str] = field(default_factory=lambda: ["main", "dev"])
    """The first is the one of those who name none."""
    bill: list[tuple[str, str]] = field(default_factory=list)
    """(app id, dollars) of the hours that have been billed."""
    has_bill: bool = True
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    """By name: the variables that a container with this secret has."""

    def workspace(self) -> str:
        """Name the workspace of whoever asks."""
        return self.workspaces[CALLER.get()]

    def environment(self, name: str) -> str:
        """Name the environment that is asked for, or refuse as Modal does."""
        name = name or self.environments[0]
        if name not in self.environments:
            raise refuse(Status.NOT_FOUND, f"Environment '{name}' not found.")
        return name

    def secret(self, secret_id: str) -> dict[str, str]:
        """Return the variables of a secret by its id."""
        return self.secrets[secret_id.removeprefix("st-")]


class AccountPlane(Plane):
    """Answers what is asked about the account."""

    cloud: "Cloud"

    async def WorkspaceNameLookup(self, _: Empty) -> api_pb2.WorkspaceNameLookupResponse:
        name = self.cloud.account.workspace()
        return api_pb2.WorkspaceNameLookupResponse(workspace_name=name, username=name)

    async def EnvironmentGetOrCreate(
        self, request: api_pb2.EnvironmentGetOrCreateRequest
    ) -> api_pb2.EnvironmentGetOrCreateResponse:
        return environment_named(self.cloud.account.environment(request.deployment_name))

    async def WorkspaceBillingRates(self, _: object) -> api_pb2.WorkspaceBillingRatesResponse:
        return api_pb2.WorkspaceBillingRatesResponse(rates=self.cloud.account.rates)

    async def WorkspaceBillingReport(
        self, _: object
    ) -> AsyncIterator[api_pb2.WorkspaceBillingReportItem]:
        if not self.cloud.account.has_bill:
            raise refuse(Status.PERMISSION_DENIED, "your plan has no billing reports")
        for app_id, cost in self.cloud.account.bill:
            yield api_pb2.WorkspaceBillingReportItem(object_id=app_id, cost=cost)

    async def SecretGetOrCreate(
        self, request: api_pb2.SecretGetOrCreateRequest
    ) -> api_pb2.SecretGetOrCreateResponse:
        name = request.deployment_name
        if name not in self.cloud.account.secrets:
            raise refuse(Status.NOT_FOUND, f"Secret '{name}' not found in environment 'main'.")
        return api_pb2.SecretGetOrCreateResponse(secret_id=f"st-{name}")
