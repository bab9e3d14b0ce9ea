"""The one key table: bindings, footer, help, palette and ``docs/keys.md`` are made from it.

An action is looked for where the focus is, then on the screen, then on the app, as Textual does. A place
is a screen's or a widget's ``KEYS`` name.
"""

from collections.abc import Sequence

from textual.binding import BindingType

from mabe_tui.tui.key import Key

KEYS: dict[str, tuple[Key, ...]] = {
    "app": (
        Key("question_mark,f1", "help", "Help", "Show every key of this screen"),
        Key("ctrl+p", "command_palette", "Palette", "Find a command by its name", shown="^p"),
        Key("ctrl+t", "next_theme", "Theme", "Change to the next theme", footer=False, shown="^t"),
        Key(
            "f5,ctrl+l",
            "repaint",
            "Repaint",
            "Draw the whole screen anew (in the launch form: f5)",
            footer=False,
            shown="f5",
        ),
        Key("ctrl+q", "quit", "Quit", "Close the dashboard; runs go on", footer=False, shown="^q"),
    ),
    "home": (
        Key("l", "launch", "Launch", "Launch the selected version", changes=True),
        Key("slash", "filter", "Filter", "Filter the runs by a query", shown="/"),
        Key("s", "sort", "Sort", "Choose the key that the runs are sorted by", footer=False),
        Key("R", "reverse", "Reverse", "Turn the order of the runs round", footer=False),
        Key("a", "all_runs", "All", "Show the runs of all versions, or of the selected one"),
        Key("v", "views", "Views", "Use, save or remove a view", footer=False),
        Key("space", "mark", "Mark", "Mark the row for a comparison", footer=False),
        Key("c", "compare", "Compare", "Compare the marked rows, or the row with the baseline"),
        Key("b", "baseline", "Baseline", "Hold everything against the row, or against nothing"),
        Key("P", "pin", "Pin", "Keep the run at the top, or let it go", footer=False),
        Key("d", "details", "Details", "Show or hide the details", footer=False),
        Key("K", "checkpoints", "Checkpoints", "List the run's checkpoints", footer=False),
        Key("V", "video", "Video", "Watch the run's validation videos", footer=False),
        Key("escape", "back", "Clear", "Close the filter, or take marks away", footer=False),
        Key("q", "app.quit", "Quit", "Close the dashboard; runs go on", footer=False),
    ),
    "filter": (
        Key("tab", "complete", "Complete", "Take what is suggested"),
        Key("up", "recall(1)", "Older", "Bring back the filter before"),
        Key("down", "recall(-1)", "Newer", "Bring back the filter after; then go to the table"),
        Key("enter", "submit", "Done", "Keep the filter and go to the table"),
    ),
    "launch": (
        Key("ctrl+l", "start", "Launch", "Start what the form says", changes=True, shown="^l"),
        Key("up", "app.focus_previous", "Up", "Go to the line before", footer=False),
        Key("down", "app.focus_next", "Down", "Go to the next line", footer=False),
        Key("pageup", "scroll_facts(-1)", "Page up", "Scroll what would happen up", footer=False),
        Key("pagedown", "scroll_facts(1)", "Page down", "Scroll it down", footer=False),
    ),
    "form": (
        Key(
            "enter",
            "submit",
            "Next",
            "Complete a setting's name; go to the next line",
            footer=False,
        ),
        Key("right", "cursor_right", "Complete", "Take what is suggested", footer=False),
    ),
    "acting": (
        Key("S", "stop_run", "Stop", "Stop the run; asks first", changes=True, footer=False),
        Key(
            "r",
            "resume_run",
            "Resume",
            "Go on with the run; asks first",
            changes=True,
            footer=False,
        ),
        Key(
            "p",
            "pull_run",
            "Fetch",
            "Have a checkpoint of the run here",
            changes=True,
            footer=False,
        ),
        Key("t", "tag_run", "Tag", "Change the run's tags", changes=True, footer=False),
        Key("n", "note_run", "Note", "Change the run's note", changes=True, footer=False),
        Key(
            "X",
            "remove_run",
            "Remove",
            "Remove its weights and logs; asks first",
            changes=True,
            footer=False,
        ),
    ),
    "run": (
        Key("1", "panel('loss')", "Panels", "Show the loss; again: alone", shown="1-6"),
        Key(
            "2", "panel('score')", "Score", "Show the metric that leads; again: alone", footer=False
        ),
        Key(
            "3",
            "panel('labels')",
            "Classes",
            "Show what is measured for each class; again: alone",
            footer=False,
        ),
        Key(
            "4",
            "panel('rates')",
            "Rates",
            "Show learning rate and gradient norm; again: alone",
            footer=False,
        ),
        Key(
            "5",
            "panel('machine')",
            "Machine",
            "Show speed, GPU, CPU and memory; again: alone",
            footer=False,
        ),
        Key("6", "panel('log')", "Log", "Show the log; again: alone", footer=False),
        Key("x", "axis", "Axis", "Draw over epochs, steps, time or dollars"),
        Key(
            "y",
            "log_y",
            "Log y",
            "Draw losses and rates on a logarithmic axis, or not",
            footer=False,
        ),
        Key("e", "smooth", "Smooth", "Smooth the curves: 0, 0.6, 0.9, 0.97"),
        Key("enter", "jump", "Log", "Go to the log's line of the point under the cursor"),
        Key("slash", "find", "Find", "Search the log", footer=False, shown="/"),
        Key("R", "replay", "Replay", "Play the run again from its beginning, or end that"),
        Key("space", "pause", "Pause", "Let the replay stand still, or go on", footer=False),
        Key("comma", "speed(-1)", "Slower", "Play more slowly", footer=False, shown=","),
        Key("full_stop", "speed(1)", "Faster", "Play faster", footer=False, shown="."),
        Key("c", "compare", "Compare", "Compare the run with the baseline", footer=False),
        Key("K", "checkpoints", "Checkpoints", "List the run's checkpoints", footer=False),
        Key("V", "video", "Video", "Watch the run's validation videos", footer=False),
        Key("E", "export", "Export", "Write the charts shown to an SVG file here", footer=False),
    ),
    "log": (
        Key("up,k", "move(-1)", "Up", "Select the line above; lets go of the end", footer=False),
        Key("down,j", "move(1)", "Down", "Select the line below", footer=False),
        Key("pageup", "page(-1)", "Page up", "Go up by a screenful", footer=False),
        Key("pagedown", "page(1)", "Page down", "Go down by a screenful", footer=False),
        Key("left", "sideways(-16)", "Left", "See the beginning of long lines", footer=False),
        Key("right", "sideways(16)", "Right", "See more of long lines", footer=False),
        Key("home,g", "end(-1)", "First", "Go to the first line", footer=False),
        Key("end,G", "end(1)", "Last", "Go to the end and follow it", footer=False),
        Key("f", "follow", "Follow", "Follow the end again", footer=False),
        Key("slash", "search(0)", "Find", "Search by a regular expression", shown="/"),
        Key("n", "search(1)", "Next", "Go to the next match", footer=False),
        Key("N", "search(-1)", "Previous", "Go to the match before", footer=False),
        Key(
            "enter",
            "choose",
            "To chart",
            "Put the charts' cursor where the line was said",
            footer=False,
        ),
    ),
    "search": (Key("escape", "close", "Close", "Search for nothing"),),
    "compare": (
        Key("1", "pane('curves')", "Panes", "Show the curves; again: alone", footer=False),
        Key("2", "pane('classes')", "Classes", "Show what is confused; again: alone", footer=False),
        Key("3", "pane('settings')", "Settings", "Show what differs; again: alone", footer=False),
        Key("4", "pane('figures')", "Figures", "Show all that was measured", footer=False),
        Key("5", "pane('code')", "Code", "Show how the code differs; again: alone", footer=False),
        Key("m", "metric", "Metric", "Choose what the curves are of"),
        Key("x", "axis", "X axis", "Draw over epochs, steps, time or dollars", footer=False),
        Key("y", "log_y", "Log y", "Draw on a logarithmic axis, or not", footer=False),
        Key("e", "smooth", "Smooth", "Smooth the curves: 0, 0.6, 0.9, 0.97", footer=False),
        Key(
            "n", "cells", "Numbers", "Confusions as shares and frames, or one of them", footer=False
        ),
        Key("w", "worst", "Worst", "Classes as lists, worst first, or as matrices", footer=False),
        Key(
            "left_square_bracket",
            "select(-1)",
            "Side before",
            "Select the side before",
            footer=False,
        ),
        Key("right_square_bracket", "select(1)", "Next side", "Select the next side", footer=False),
        Key("a", "add", "Add", "Add a version, a run or a checkpoint"),
        Key("D", "drop", "Drop", "Take the selected side out", footer=False),
        Key("b", "reference", "Swap", "Hold the others against the selected side"),
        Key("R", "reread", "Read again", "Read the runs again", footer=False),
        Key("E", "export", "Export", "Write the comparison here, as HTML and SVG"),
    ),
    "checkpoints": (
        Key("v", "verify", "Verify", "Read all of them whole, and compare their sha256"),
        Key("space", "choose_one", "Mark", "Mark the checkpoint for a comparison", footer=False),
        Key("c", "compare", "Compare", "Compare the marked ones, or the row with the best"),
        Key("e", "evaluate", "Eval", "Measure the checkpoint on other data"),
        Key("m", "keep", "Keep", "Keep the checkpoint as `marked`, or let it go", changes=True),
    ),
    "sides": (
        Key("left", "sideways(-1)", "Left", "See the sides before", footer=False),
        Key("right", "sideways(1)", "Right", "See further sides", footer=False),
    ),
    "video": (
        Key("space", "play", "Play", "Play, or stand still"),
        Key("comma", "step(-1)", "Frame", "Go back by a frame", shown=", ."),
        Key("full_stop", "step(1)", "Frame on", "Go on by a frame", footer=False),
        Key("left", "skip(-1)", "Back 1 s", "Go back by a second", footer=False),
        Key("right", "skip(1)", "On 1 s", "Go on by a second", footer=False),
        Key("shift+left", "skip(-10)", "Back 10 s", "Go back by ten seconds", footer=False),
        Key("shift+right", "skip(10)", "On 10 s", "Go on by ten seconds", footer=False),
        Key("left_square_bracket", "speed(-1)", "Slower", "Play more slowly", footer=False),
        Key("right_square_bracket", "speed(1)", "Faster", "Play faster", footer=False),
        Key("n", "error(1)", "Error", "Go to the next stretch of wrong frames"),
        Key(
            "N",
            "error(-1)",
            "Error before",
            "Go to the stretch of wrong frames before",
            footer=False,
        ),
        Key("b", "bout(1)", "Bout", "Go to the next bout, true or predicted"),
        Key("B", "bout(-1)", "Bout before", "Go to the bout before", footer=False),
        Key("g", "go_to", "Go to", "Go to a frame or a time", footer=False),
        Key("home", "end(-1)", "First", "Go to the first frame", footer=False),
        Key("end", "end(1)", "Last", "Go to the last frame", footer=False),
        Key("z", "view", "View", "Show the arena, all mice close up, or one mouse"),
        Key(
            "T",
            "trail",
            "Trail",
            "Show where the mice were: for a second, five, or not",
            footer=False,
        ),
        Key(
            "plus,equals_sign",
            "span(-1)",
            "Closer",
            "Show fewer seconds in the lower strip",
            footer=False,
            shown="+",
        ),
        Key(
            "minus",
            "span(1)",
            "Wider",
            "Show more seconds in the lower strip",
            footer=False,
            shown="-",
        ),
        Key("c", "checkpoint", "Checkpoint", "Choose whose answer is shown", footer=False),
        Key("s", "sort", "Sort", "Choose the column that the videos are sorted by", footer=False),
        Key("D", "data", "Data", "Name the folder that has the data now", footer=False),
    ),
    "screen": (Key("escape,q", "back", "Back", "Go back to the screen before", shown="esc"),),
    "table": (
        Key("up,k", "move(-1)", "Up", "Select the row above", footer=False),
        Key("down,j", "move(1)", "Down", "Select the row below", footer=False),
        Key("pageup", "page(-1)", "Page up", "Go up by a screenful", footer=False),
        Key("pagedown", "page(1)", "Page down", "Go down by a screenful", footer=False),
        Key("home,g", "end(-1)", "First", "Select the first row", footer=False),
        Key("end,G", "end(1)", "Last", "Select the last row", footer=False),
        Key("enter", "choose", "Open", "Open the selected row"),
    ),
    "chart": (
        Key("left", "cursor(-1)", "Cursor left", "Move the cursor left", footer=False),
        Key("right", "cursor(1)", "Cursor right", "Move the cursor right", footer=False),
        Key(
            "shift+left,less_than_sign",
            "pan(-1)",
            "Pan left",
            "Move the window left",
            footer=False,
            shown="<",
        ),
        Key(
            "shift+right,greater_than_sign",
            "pan(1)",
            "Pan right",
            "Move the window right",
            footer=False,
            shown=">",
        ),
        Key(
            "plus,equals_sign",
            "zoom(0.5)",
            "Zoom in",
            "Show half as much, around the cursor",
            footer=False,
            shown="+",
        ),
        Key("minus", "zoom(2.0)", "Zoom out", "Show twice as much", footer=False, shown="-"),
        Key("0", "reset", "Reset zoom", "Show everything, without a cursor", footer=False),
    ),
}
"""Where → its keys. Each screen and widget adds what it can do; no place names a key twice."""


def bindings(*places: str) -> list[BindingType]:
    """Make Textual's bindings of the keys of some places."""
    return [key.binding for place in places for key in KEYS[place]]


def changing(places: Sequence[str]) -> frozenset[str]:
    """Name the actions, without their parameters, that change more than the view."""
    return frozenset(
        key.action.partition("(")[0] for place in places for key in KEYS[place] if key.changes
    )
