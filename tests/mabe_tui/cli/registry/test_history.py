"""``mabe history``: the same numbers as table, JSON and SVG."""

import json
from pathlib import Path

import pytest

from core.errors import ConfigError, UserError


def test_the_history_as_chart_table_json_and_svg(invoke, tmp_path: Path) -> None:
    printed = invoke("history", "v6").output
    assert "╍╍╍ reported" in printed
    assert "hours of a run" in printed
    rows = json.loads(invoke("history", "v6", "--json").output)
    v6 = next(row for row in rows if row["version"] == "v6")
    assert (v6["extends"], v6["reported"], v6["measured"]) == ("v5", 0.4389, None)
    assert v6["changed"]["hardware.gpu"] == ["A10", "H100"]
    picture = tmp_path / "history.svg"
    invoke("history", "v6", "--svg", str(picture))
    assert ">v6</text>" in picture.read_text()
    assert "training.batch_size 64 → 384" in picture.read_text()
    with pytest.raises(UserError, match="there already"):
        invoke("history", "v6", "--svg", str(picture))


def test_an_unknown_version_is_refused_with_the_nearest(invoke) -> None:
    with pytest.raises(ConfigError, match=r"v77.*v7"):
        invoke("history", "v77")
