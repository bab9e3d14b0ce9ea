"""Machine resources that a version requests from Modal."""

import msgspec

from core.config.experiment import MODAL_TIMEOUT_LIMIT, HardwareConfig
from core.config.gpus import choices_of
from core.run.request import RunRequest
from mabe_tui.launch.prices import cores, memory_mib

APP_NAME = "mabe"
DATA_MOUNT = "/vol"
"""Where the volume of data is mounted in a container."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Resources of one call of the function."""

    app_name: str
    gpu: tuple[str, ...]
    """GPUs in order of preference; empty for none."""
    region: tuple[str, ...]
    """Allowed regions; empty for any."""
    cloud: str | None
    cores: int
    memory_mib: int
    timeout_seconds: int
    retries: int


def machine_of(request: RunRequest) -> Machine:
    """Return the machine resources that a request asks for."""
    hardware = request.experiment.hardware
    return Machine(
        app_name=app_name_of(hardware),
        gpu=choices_of(hardware.gpu),
        region=(hardware.region,) if isinstance(hardware.region, str) else hardware.region or (),
        cloud=hardware.cloud,
        cores=cores(hardware),
        memory_mib=memory_mib(hardware),
        timeout_seconds=timeout_of(hardware),
        retries=hardware.retries,
    )


def app_name_of(hardware: HardwareConfig) -> str:
    """Return the app's name: the version's own, or the common default."""
    return hardware.app_name or APP_NAME


def timeout_of(hardware: HardwareConfig) -> int:
    """Return Modal's time-out for one attempt, in seconds."""
    return hardware.timeout_seconds or MODAL_TIMEOUT_LIMIT
