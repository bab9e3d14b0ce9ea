"""Measure the CPU time of each test, including that of the processes it started.

A plugin that is enabled by name::

    python -m pytest -p tests.cpu_time --cpu-time=cost.json tests/core

writes seconds by test and phase, and prints the most expensive files. A process is counted in the phase
that waits for it; if a session fixture ends it, in that fixture's. Time outside of tests, mostly imports
during collection, is ``outside``. With ``-n``, the workers' times are added up.
"""

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "cpu_seconds"
SPENT = pytest.StashKey[float]()
"""The CPU time of the test's last phase."""
TOP = 25
"""Number of files to print."""


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all children it has waited for, in seconds."""
    return sum(os.times()[:4])


class Recorder:
    """Collects seconds by test and phase; in a worker, attaches them to the reports."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.tests: dict[str, dict[str, float]] = defaultdict(dict)
        self.in_phases = 0.0
        self.processes: list[float] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        report.user_properties.append((PROPERTY, item.stash.get(SPENT, 0.0)))
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        yield from self._measured(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        yield from self._measured(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        yield from self._measured(item)

    def _measured(self, item: pytest.Item) -> Generator[None]:
        began = cpu_seconds()
        try:
            yield
        finally:
            item.stash[SPENT] = cpu_seconds() - began
            self.in_phases += item.stash[SPENT]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        spent = [value for name, value in report.user_properties if name == PROPERTY]
        self.tests[report.nodeid][report.when] = float(spent[-1]) if spent else 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        outside = cpu_seconds() - self.in_phases
        if self.path is None:
            session.config.workeroutput[PROPERTY] = outside  # type: ignore[attr-defined]
        else:
            self.processes.insert(0, outside)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.processes.append(node.workeroutput[PROPERTY])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.path is None:
            return
        by_file: dict[str, float] = defaultdict(float)
        for test, phases in self.tests.items():
            by_file[test.partition("::")[0]] += sum(phases.values())
        # A controller waits for its workers, whose time is already in the tests.
        own = self.processes[:1] if len(self.processes) == 1 else self.processes[1:]
        whole = {"outside": own, "files": dict(by_file), "tests": self.tests}
        self.path.write_text(json.dumps(whole, indent=1))
        terminalreporter.section("processor time")
        terminalreporter.line(
            f"{sum(by_file.values()) + sum(own):8.1f} s in all, {sum(own):.1f} outside tests"
        )
        for file, seconds in sorted(by_file.items(), key=lambda pair: -pair[1])[:TOP]:
            terminalreporter.line(f"{seconds:8.1f} s {file}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cpu-time",
        type=Path,
        default=Path("cpu_time.json"),
        metavar="FILE",
        help="where to write what each test costs in processor time",
    )


def pytest_configure(config: pytest.Config) -> None:
    worker = hasattr(config, "workerinput")
    config.pluginmanager.register(
        Recorder(None if worker else config.getoption("--cpu-time")), "cpu-time-recorder"
    )
