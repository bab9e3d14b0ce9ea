"""A user's task beside the registry is found, also by the job, and hides none of our modules."""

import sys

import pytest

from core.config import registry, task_modules
from core.config.task_spec import task_modules as modules_of
from core.config.task_spec import task_source, task_spec
from core.errors import ConfigError, RunError
from core.run.rundir import RunDir
from tests.toy import new_run, write_module


@pytest.fixture
def clean(monkeypatch):
    """Let nothing that a test makes importable stay so."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(task_modules, "_folders", [])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "beside"]:
        del sys.modules[name]
    task_spec.__globals__["_spec"].cache_clear()


def test_a_module_beside_the_registry_is_found_and_travels(tmp_path, clean):
    path = write_module(tmp_path, "beside")
    assert registry.load(path).experiment("p1").task == "beside:SPEC"
    assert modules_of("beside:SPEC") == ("beside",)
    assert task_source("beside:SPEC") == str(tmp_path)
    assert sys.path[-1] == str(tmp_path)


def test_the_folder_is_searched_for_nothing_that_is_found_elsewhere(tmp_path, clean):
    (tmp_path / "json.py").write_text("raise AssertionError")
    task_modules.search_in(tmp_path)
    with pytest.raises(ConfigError, match="has no 'SPEC'"):
        task_spec("json:SPEC")
    assert str(tmp_path) not in sys.path


def test_a_module_that_is_nowhere_is_named(tmp_path, clean):
    task_modules.search_in(tmp_path)
    with pytest.raises(ConfigError, match=r"absent_tasks:SPEC: absent_tasks cannot be imported"):
        task_spec("absent_tasks:SPEC")


def test_a_run_of_a_task_that_is_not_here_says_where_it_was(tmp_path, clean):
    run = new_run(tmp_path / "runs" / "p1-20260101T000000-aaaa")
    text = (run.path / "run.toml").read_text().replace("tests.toy.pairs:", "absent_tasks:")
    (run.path / "run.toml").write_text(f'task_source = "/somewhere"\n{text}')
    with pytest.raises(RunError, match=r"absent_tasks cannot be imported .* found in /somewhere"):
        run.read_request()


def test_our_own_tasks_need_not_travel():
    assert modules_of("behaviour") == ()
    assert task_source("behaviour") is None


def test_a_job_finds_the_task_where_its_request_says(tmp_path, spawn):
    registry_path = write_module(tmp_path, "beside")
    run = new_run(tmp_path / "runs" / "p1-20260101T000000-aaaa", overrides=("training.epochs=1",))
    text = (run.path / "run.toml").read_text()
    named = text.replace('"tests.toy.pairs:SPEC"', '"beside:SPEC"')
    (run.path / "run.toml").write_text(f'task_source = "{registry_path.parent}"\n{named}')
    job = spawn(run.path, FAKE_NOTHING="1")
    assert job.communicate()[1] == ""
    assert [type(e).__name__ for e in RunDir(run.path).events()][-1] == "Finished"
