import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import DataError, MisuseError, UserError

Mabe = Callable[..., Result]
POSES = """scorer,net,net,net,net,net,net
individuals,a,a,a,b,b,b
bodyparts,snout,snout,snout,snout,snout,snout
coords,x,y,likelihood,x,y,likelihood
0,1,2,0.9,3,4,0.2
1,1,2,0.9,3,4,0.9
"""
LABELS = """Time,Media file path,Total length,FPS,Subject,Behavior,Behavioral category,Comment,Status
0.0,/v/film.avi,1.0,2.0,b,Attack,,,START
0.5,/v/film.avi,1.0,2.0,b,Attack,,,STOP
0.5,/v/film.avi,1.0,2.0,c,Attack,,,START
0.9,/v/film.avi,1.0,2.0,c,Attack,,,STOP
"""


@pytest.fixture
def sources(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "filmDLC_net.csv").write_text(POSES)
    (tmp_path / "labels.csv").write_text(LABELS)
    return "filmDLC_net.csv", "labels.csv"


def test_what_was_assumed_and_dropped_is_told(invoke: Mabe, sources: tuple[str, str]) -> None:
    result = invoke("data", "import", *sources, "-o", "mice")
    assert result.exit_code == 0
    for words in ("snout → nose", "b → mouse2 on mouse1", "Attack → attack"):
        assert f"{words}\n" in result.stderr
    assert "film: left out or changed: 1 events of subjects" in result.stderr
    assert result.stdout.splitlines()[1].split()[-6:] == ["2", "2", "2", "1", "4", "1"]
    with pytest.raises(DataError, match="--force"):
        invoke("data", "import", *sources, "-o", "mice")
    forced = invoke("data", "import", *sources, "-o", "mice", "--force", "--json")
    (video,) = json.loads(forced.stdout)["videos"]
    assert (video["id"], video["omitted"]["subjects"]) == ("film", {"c": 1})
    assert invoke("data", "show", "mice", "film", "--json").exit_code == 0


def test_the_mapping_is_suggested_edited_and_used(
    invoke: Mabe, sources: tuple[str, str], tmp_path: Path
) -> None:
    invoke("data", "import", *sources, "--suggest", "map.toml")
    text = (tmp_path / "map.toml").read_text()
    assert "# c = { agent = 1, target = 2 }" in text
    text = text.replace("# c = {", "c = {").replace(
        "likelihood_below = 0.0", "likelihood_below = 0.5"
    )
    (tmp_path / "map.toml").write_text(text)
    result = invoke(
        "data", "import", *sources, "-o", "mice", "--map", "map.toml", "--fps", "10", "--json"
    )
    (video,) = json.loads(result.stdout)["videos"]
    assert (video["frames_per_second"], video["omitted"]["points_unlikely"]) == (10, 1)
    assert json.loads(result.stdout)["proposed"] == []
    with pytest.raises(MisuseError, match="-o"):
        invoke("data", "import", *sources)


def test_a_mistaken_mapping_or_folder_is_told(
    invoke: Mabe, sources: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "map.toml").write_text("[body_parts]\nsnowt = 'nose'\nsnout = ''\n")
    with pytest.raises(DataError, match="leaves out all body_parts"):
        invoke("data", "import", *sources, "-o", "mice", "--map", "map.toml")
    (tmp_path / "map.toml").write_text("[body_parts]\nsnowt = 'ear'\nsnout = 'nose'\n")
    result = invoke("data", "import", *sources, "-o", "mice", "--map", "map.toml")
    assert (
        "warning: mapping, body_parts: no source has 'snowt'; did you mean 'snout'?"
        in result.stderr
    )
    with pytest.raises(UserError, match=r"labels.csv is not a folder"):
        invoke("data", "import", *sources, "-o", "labels.csv")
