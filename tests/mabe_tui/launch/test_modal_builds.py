"""Messages on Ctrl-C during an image build, without Modal."""

import pytest

from mabe_tui.launch.modal.builds import LEFT, hearing_builds


@pytest.mark.parametrize("are_over", [False, True])
def test_nothing_is_said_of_a_build_that_is_over(are_over: bool) -> None:
    said = list[str]()
    with pytest.raises(KeyboardInterrupt), hearing_builds(said.append) as builds:
        builds.feed("step 1\n")
        builds.are_over = are_over
        raise KeyboardInterrupt
    assert (LEFT in said) is not are_over
