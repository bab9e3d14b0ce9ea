import json
from itertools import takewhile
from pathlib import Path

import pytest

from core.config.registry import default_path, load
from core.errors import ConfigError, MisuseError
from mabe_tui.cli.terminal.output import wrapped
from tests.command_line import mabe, on_terminal
from tests.core.config.pairs import NAME as PAIRS


@pytest.fixture(autouse=True)
def _no_registry_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MABE_REGISTRY", raising=False)


def test_list_works_anywhere_with_the_shipped_registry() -> None:
    rows = json.loads(mabe("list", "--json").stdout)
    assert {row["version"] for row in rows} == {*load(default_path()).versions}
    assert rows[5]["reported_f1_macro"] == 0.4389
    table = mabe("list").stdout.splitlines()
    assert len(table) == 1 + len(rows)
    assert [table[6].split()[place] for place in (0, 2, 3, 4)] == [
        "v6",
        "behaviour",
        "current",
        "conv_bilstm",
    ]


def test_show_tells_reported_from_set_and_derives_the_input_size() -> None:
    text = mabe("show", "v6").stdout
    assert "inputs   288 numbers a frame" in text
    assert "reported (a claim of the original documents, not measured here)" in text
    assert "Patience 15 would end the run at epoch 40" in text
    assert "inputs   131 numbers a frame" in mabe("show", "v4").stdout
    assert "inputs   7 numbers a frame" in mabe("show", "v7").stdout
    assert "inputs   34 numbers a frame" in mabe("show", "v7", "--set", "data.mice=4").stdout
    assert "do not add up" in mabe("show", "v5").stdout


def test_show_marks_what_is_assumed() -> None:
    lines = mabe("show", "v3").stdout.splitlines()
    assert any(
        line.startswith("training.scheduler") and line.endswith("† assumed") for line in lines
    )
    assert not any(line.startswith("training.epochs") and "assumed" in line for line in lines)


def test_show_marks_nothing_where_the_documents_state_all() -> None:
    assert "†" not in mabe("show", "v6").stdout


def test_difference_shows_changed_keys_only_and_unset_as_itself() -> None:
    changed = json.loads(mabe("show", "v3", "--diff", "v2", "--json").stdout)
    assert changed["training.class_weights"] == {"v2": [0.5, 10.0, 15.0, 15.0], "v3": None}
    assert changed["training.label_smoothing"] == {"v2": 0.1, "v3": 0.0}
    assert "data.mice" not in changed
    rows = {
        line.split()[0]: line.split()[-1]
        for line in mabe("show", "v3", "--diff", "v2").stdout.splitlines()
    }
    assert rows["training.class_weights"] == "none"
    assert rows["training.label_smoothing"] == "0.0"


def test_show_with_overrides_and_preset() -> None:
    shown = json.loads(
        mabe("show", "v6", "--preset", "demo", "--set", "training.epochs=3", "--json").stdout
    )
    assert (shown["training"]["epochs"], shown["model"]["channels"]) == (3, [32, 64])


@pytest.mark.parametrize("command", [["show"], ["run", "--dry-run"]])
def test_what_another_model_leaves_behind_is_said(command: list[str]) -> None:
    told = mabe(*command, "v2", "--json", "--set", "model.name=tcn")
    assert "left behind with conv_bilstm: model.channels = [64, 128, 256]" in told.stderr
    assert '"channels": null' in told.stdout
    assert "left behind" not in mabe(*command, "v2").stderr


def test_new_needs_a_registry_of_ones_own() -> None:
    with pytest.raises(ConfigError, match="mabe init"):
        mabe("new", "v9", "--extends", "v6")


def test_init_then_new_then_show(tmp_path: Path) -> None:
    mabe("init")
    assert (tmp_path / "experiments.toml").read_bytes() == default_path().read_bytes()
    with pytest.raises(ConfigError, match="--force"):
        mabe("init")
    mabe(
        "new",
        "v9",
        "--extends",
        "v6",
        "--set",
        "training.batch_size=32",
        "--notes",
        "smaller batches",
    )
    shown = json.loads(mabe("show", "v9", "--json").stdout)
    assert (shown["training"]["batch_size"], shown["notes"]) == (32, {"about": "smaller batches"})
    assert shown["model"] == json.loads(mabe("show", "v6", "--json").stdout)["model"]


def test_words_are_not_broken_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrapped("one two three") == "one two three"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "8")
    assert wrapped("one two v6-20260101T000000-abcd", "  ").splitlines() == [
        "one two",
        "  v6-20260101T000000-abcd",
    ]


def test_init_of_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        mabe("init", str(tmp_path / "file"))


def test_no_action_is_broken_on_a_narrow_terminal(narrow: None) -> None:
    lines = mabe("show", "v6").stdout.splitlines()
    actions = lines[lines.index("actions") + 1 :]
    listed = [*takewhile(bool, actions)]
    assert max(map(len, listed)) <= 80
    assert "dominancemount" in " ".join(listed).split()


def test_no_line_of_show_is_left_to_the_terminal_to_break(monkeypatch: pytest.MonkeyPatch) -> None:
    on_terminal(monkeypatch, 60)
    videos = "data.validation_videos=[" + ", ".join(f'"{n:09d}"' for n in range(20)) + "]"
    for arguments in (("v6", "--set", videos), ("v5",), ("v7",)):
        lines = mabe("show", *arguments).stdout.splitlines()
        assert all(len(line) <= 60 or " " not in line.strip() for line in lines)


def test_the_task_is_a_column_where_there_are_several(tmp_path: Path) -> None:
    one = mabe("list", "--task", "behaviour").stdout.splitlines()[0]
    assert "task" not in one.split()
    mabe("init")
    mabe("new", "near", "--task", PAIRS, "--set", "data.pairs=4")
    head, *rows = mabe("list").stdout.splitlines()
    assert head.split()[:3] == ["version", "group", "task"]
    assert [row.split()[:3:2] for row in rows if row.startswith(("v8-boost", "near"))] == [
        ["v8-boost", "actions"],
        ["near", "pairs"],
    ]
    only = json.loads(mabe("list", "--task", "pairs", "--json").stdout)
    assert "v8" not in [row["version"] for row in only]
    assert next((row["version"], row["task"], row["data"]) for row in only) == (
        "near",
        PAIRS,
        "4 pairs",
    )
    assert "near" not in mabe("list", "--task", "behaviour", "--measured").stdout
    assert "task     " + PAIRS + ": are two points the same?" in mabe("show", "near").stdout
    with pytest.raises(MisuseError, match="no version of that task; did you mean 'pairs'"):
        mabe("list", "--task", "pair")


def test_show_keeps_the_order_of_the_registry_in_json() -> None:
    keys = list(json.loads(mabe("show", "v6", "--json").stdout))
    assert keys[7:] == [
        "task", "ensemble", "classes", "actions", "hardware", "data", "features", "model", "training",
        "tune", "reported",
    ]  # fmt: skip


def test_versions_of_a_group_are_listed_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = '[experiments.s{0}]\nextends = "a"\ngroup = "stages"\n'
    text = f"[experiments.a]\n{stage.format(1)}[experiments.b]\n{stage.format(2)}"
    (tmp_path / "experiments.toml").write_text(text)
    rows = json.loads(mabe("list", "--json").stdout)
    found = [(row["version"], row["group"]) for row in rows]
    assert found == [("a", None), ("b", None), ("s1", "stages"), ("s2", "stages")]
    measured = json.loads(mabe("list", "--measured", "--json").stdout)
    assert [(row["version"], row["group"]) for row in measured] == found
    assert mabe("list").stdout.splitlines()[3].split()[:2] == ["s1", "stages"]
    on_terminal(monkeypatch, 60)
    lines = [line.strip() for line in mabe("list").stdout.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("s1"))
    assert lines[first - 2].startswith("b")
    assert set(lines[first - 1]) <= {"─", " "}
