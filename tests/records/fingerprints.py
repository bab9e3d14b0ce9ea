"""Hash the results of training and prediction, which must not change on the same kind of machine."""

import hashlib
import importlib.util
import platform
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import tomli_w
import torch
from torch import Tensor

from core import job
from core.models.build import ARCHITECTURES, build_model
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.run.rundir import RunDir
from core.training.identity import history_hash, weights_hash
from tests.records.asking import ask
from tests.records.store import PLACE

AGAIN = "20261201T000000-again"
SPEC = InputSpec(features=28, outputs=4, mice=2, keypoints=7, blocks={"coordinates": slice(0, 28)})


def machine() -> dict[str, str]:
    """Return what determines the last digit of sums; if it differs, every hash may differ."""
    return {
        "torch": str(torch.__version__),
        "architecture": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "features_by": "numba" if importlib.util.find_spec("numba") else "torch",
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, as for the record."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def of_run(run: RunDir) -> dict[str, Any]:
    """Return the hashes of a run's last weights and of its history, and the layout of its weights."""
    pointer = run.read_pointer("last")
    assert pointer is not None, run.path
    content = torch.load(run.checkpoints / pointer.file, weights_only=True)
    return {
        "weights_hash": weights_hash(content["model"]),
        "history_hash": history_hash(run.history()),
        "weights": layout(content["model"]),
    }


def layout(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the type and shape of every tensor of a ``state_dict``, in the order of their names."""
    return {
        n: f"{state[n].dtype} {list(state[n].shape)}".removeprefix("torch.") for n in sorted(state)
    }


def of_architectures() -> dict[str, Any]:
    """Build each architecture at full size from one seed; return layout and hash of its weights."""
    found = {}
    for name in ARCHITECTURES:
        torch.manual_seed(0)
        state = build_model(ModelConfig(name=name), SPEC).state_dict()  # type: ignore[arg-type]
        found[name] = {"weights_hash": weights_hash(state), "weights": layout(state)}
    return found


def train_again(run: RunDir) -> RunDir:
    """Repeat a recorded run's training from the beginning as a new run."""
    table = tomllib.loads((run.path / "run.toml").read_text())
    table.pop("resolved")
    again = RunDir(run.path.with_name(f"{table['experiment']['name']}-{AGAIN[:15]}-{run.id[-4:]}"))
    again.path.mkdir()
    (again.path / "run.toml").write_text(tomli_w.dumps(table | {"run": again.id}))
    with one_thread():
        assert job.main([str(again.path)]) == 0, run.id
    return again


def of_prediction(root: Path, run: str, checkpoint: str) -> str:
    """Return the sha256 of all output of ``mabe predict`` on the store's own data."""
    output = f"{PLACE}/{run}-{checkpoint}.parquet"
    words = ["predict", run, "--data", f"{PLACE}/data", "-o", output, "--checkpoint", checkpoint]
    with one_thread():
        answer = ask([*words, "--device", "cpu"], root)
    assert answer["exit_code"] == 0, answer
    table = pq.read_table(output.replace(PLACE, str(root)))
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"{name} {table[name].to_pylist()}\n".encode())
    return digest.hexdigest()
