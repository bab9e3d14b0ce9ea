import shutil
from pathlib import Path

import pytest
import torch

import core
from core.errors import ConfigError
from core.run.code_version import LENGTH, code_version
from core.system.machine import choose_device, device_name


def test_cuda_that_is_not_there_is_an_error_and_auto_is_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match=r"hardware\.device.*--device auto"):
        choose_device("cuda")


def test_auto_takes_cuda_where_it_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def test_the_processor_has_a_name():
    assert device_name(torch.device("cpu")).strip()


def test_code_version_follows_the_sources_and_nothing_else(tmp_path):
    copy = tmp_path / "core"
    shutil.copytree(Path(core.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    version = code_version(copy)
    assert version == code_version()
    assert len(version) == LENGTH
    (copy / "notes.txt").write_text("not code")
    assert code_version(copy) == version
    job = copy / "job.py"
    job.write_bytes(job.read_bytes().replace(b"\n", b"\r\n"))
    assert code_version(copy) == version
    job.write_bytes(job.read_bytes() + b"# changed\n")
    assert code_version(copy) != version


def test_code_version_changes_with_a_file_of_any_room(tmp_path):
    copy = tmp_path / "core"
    shutil.copytree(Path(core.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    rooms = {path.parent: path for path in copy.rglob("*.py")}
    seen = {code_version(copy)}
    for path in rooms.values():
        path.write_bytes(path.read_bytes() + b"# changed\n")
        seen.add(code_version(copy))
    assert len(seen) == len(rooms) + 1
