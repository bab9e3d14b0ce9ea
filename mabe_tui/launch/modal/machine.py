"""What a version asks of Modal's machines."""

import msgspec

from core.config.experiment import MODAL_TIMEOUT_LIMIT, HardwareConfig
from core.config.gpus import choices_of
from core.run.request import RunRequest
from mabe_tui.launch.prices import cores, memory_mib

APP_NAME = "mabe"
DATA_MOUNT = "/vol"
"""Where a container finds the volume of data."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of the function is given."""

    app_name: str
    gpu: tuple[str, ...]
    """In order of preference; empty: none."""
    region: tuple[str, ...]
    """Empty: anywhere."""
    cloud: str | None
    cores: int
    memory_mib: int
    timeout_seconds: int
    retries: int


def machine_of(request: RunRequest) -> Machine:
    """Read from a request what its machine must have."""
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
    """Return the app's name: the version's, else one for all."""
    return hardware.app_name or APP_NAME


def timeout_of(hardware: HardwareConfig) -> int:
    """Give Modal's time-out for one attempt, in seconds."""
    return hardware.timeout_seconds or MODAL_TIMEOUT_LIMIT
