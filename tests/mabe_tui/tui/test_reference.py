from pathlib import Path

from mabe_tui.tui.key import Key
from mabe_tui.tui.reference import reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "keys.md"


def test_the_page_is_in_step_with_the_key_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make reference`"


def test_keys_are_written_as_people_write_them() -> None:
    key = Key("question_mark,f1,ctrl+x,shift+left,escape,plus", "help", "Help", "Helps")
    assert key.spellings == ["?", "f1", "^x", "shift+left", "esc", "+"]
