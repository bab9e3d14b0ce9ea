from pathlib import Path

from mabe_tui.cli.reference import reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"


def test_the_page_is_in_step_with_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make reference`"
