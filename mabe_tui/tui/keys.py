"""The key table, from which bindings, footer, help, palette and ``docs/keys.md`` are generated.

As in Textual, an action is looked up on the focused widget, then on the screen, then on the app. A place
is the ``KEYS`` name of a screen or widget.
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
            "Redraw the whole screen (in the launch form: f5)",
            footer=False,
            shown="f5",
        ),
        Key(
            "ctrl+q", "quit", "Quit", "Close the dashboard; runs continue", footer=False, shown="^q"
        ),
    ),
    "home": (
        Key("l", "launch", "Launch", "Launch the selected version", changes=True),
        Key("slash", "filter", "Filter", "Filter the runs by a query", shown="/"),
        Key("s", "sort", "Sort", "Choose the key that the runs are sorted by", footer=False),
        Key("R", "reverse", "Reverse", "Reverse the order of the runs", footer=False),
        Key("a", "all_runs", "All", "Show the runs of all versions, or only the selected one"),
        Key("v", "views", "Views", "Use, save or remove a view", footer=False),
        Key(
            "space",
            "mark",
            "Mark",
            "Mark the row for a comparison, and go to the next",
            footer=False,
        ),
        Key("c", "compare", "Compare", "Compare the marked rows, or the row with the baseline"),
        Key("b", "baseline", "Baseline", "Make the row the baseline, or unset it"),
        Key("w", "charts", "Charts", "Show or hide the charts of the selected runs", footer=False),
        Key("m", "pattern", "Curves", "Choose the curves of the charts by a regular expression"),
        Key(
            "left_square_bracket",
            "page_charts(-1)",
            "Charts before",
            "Show the previous charts",
            footer=False,
        ),
        Key(
            "right_square_bracket",
            "page_charts(1)",
            "Next charts",
            "Show the next charts",
            footer=False,
        ),
        Key(
            "x",
            "axis",
            "Axis",
            "Change the charts' x axis: epochs, steps, time or dollars",
            footer=False,
        ),
        Key("y", "log_y", "Log y", "Toggle a logarithmic axis for losses and rates", footer=False),
        Key("e", "smooth", "Smooth", "Smooth the charts' curves: 0, 0.6, 0.9, 0.97", footer=False),
        Key("P", "pin", "Pin", "Pin the run to the top, or unpin it", footer=False),
        Key("d", "details", "Details", "Show or hide the details", footer=False),
        Key("K", "checkpoints", "Checkpoints", "List the run's checkpoints", footer=False),
        Key("V", "video", "Video", "Watch the run's validation videos", footer=False),
        Key("escape", "back", "Clear", "Close the filter, or clear the marks", footer=False),
        Key("q", "app.quit", "Quit", "Close the dashboard; runs continue", footer=False),
    ),
    "filter": (
        Key("tab", "complete", "Complete", "Accept the suggestion"),
        Key("up", "recall(1)", "Older", "Recall the previous filter"),
        Key("down", "recall(-1)", "Newer", "Recall the next filter, then go to the table"),
        Key("enter", "submit", "Done", "Keep the filter and go to the table"),
    ),
    "launch": (
        Key("ctrl+l", "start", "Launch", "Start the run in the form", changes=True, shown="^l"),
        Key("up", "app.focus_previous", "Up", "Go to the previous line", footer=False),
        Key("down", "app.focus_next", "Down", "Go to the next line", footer=False),
        Key("pageup", "scroll_facts(-1)", "Page up", "Scroll the preview up", footer=False),
        Key("pagedown", "scroll_facts(1)", "Page down", "Scroll the preview down", footer=False),
    ),
    "form": (
        Key(
            "enter",
            "submit",
            "Next",
            "Complete the name of a setting, or go to the next line",
            footer=False,
        ),
        Key("right", "cursor_right", "Complete", "Accept the suggestion", footer=False),
    ),
    "acting": (
        Key("S", "stop_run", "Stop", "Stop the run; asks first", changes=True, footer=False),
        Key(
            "r",
            "resume_run",
            "Resume",
            "Resume the run; asks first",
            changes=True,
            footer=False,
        ),
        Key(
            "p",
            "pull_run",
            "Fetch",
            "Download a checkpoint of the run",
            changes=True,
            footer=False,
        ),
        Key("t", "tag_run", "Tag", "Edit the run's tags", changes=True, footer=False),
        Key("n", "note_run", "Note", "Edit the run's note", changes=True, footer=False),
        Key(
            "X",
            "remove_run",
            "Remove",
            "Move its weights and logs to the trash; asks first",
            changes=True,
            footer=False,
        ),
        Key(
            "u",
            "restore_run",
            "Undo",
            "Bring back what was removed last",
            changes=True,
            footer=False,
        ),
    ),
    "run": (
        Key("1", "panel('loss')", "Panels", "Show the loss; again: only this panel", shown="1-6"),
        Key(
            "2",
            "panel('score')",
            "Score",
            "Show the leading metric; again: only this panel",
            footer=False,
        ),
        Key(
            "3",
            "panel('labels')",
            "Classes",
            "Show the metrics of each class; again: only this panel",
            footer=False,
        ),
        Key(
            "4",
            "panel('rates')",
            "Rates",
            "Show learning rate and gradient norm; again: only this panel",
            footer=False,
        ),
        Key(
            "5",
            "panel('machine')",
            "Machine",
            "Show speed, GPU, CPU and memory; again: only this panel",
            footer=False,
        ),
        Key("6", "panel('log')", "Log", "Show the log; again: only this panel", footer=False),
        Key("x", "axis", "Axis", "Change the x axis: epochs, steps, time or dollars"),
        Key(
            "y",
            "log_y",
            "Log y",
            "Toggle a logarithmic axis for losses and rates",
            footer=False,
        ),
        Key("e", "smooth", "Smooth", "Smooth the curves: 0, 0.6, 0.9, 0.97"),
        Key("h", "heat", "Heat", "Draw classes and machine as heatmaps, or as lines", footer=False),
        Key("enter", "jump", "Log", "Go to the log line of the point under the cursor"),
        Key("slash", "find", "Find", "Search the log", footer=False, shown="/"),
        Key("R", "replay", "Replay", "Replay the run from its beginning, or end the replay"),
        Key("space", "pause", "Pause", "Pause or continue the replay", footer=False),
        Key("comma", "speed(-1)", "Slower", "Play slower", footer=False, shown=","),
        Key("full_stop", "speed(1)", "Faster", "Play faster", footer=False, shown="."),
        Key("c", "compare", "Compare", "Compare the run with the baseline", footer=False),
        Key("K", "checkpoints", "Checkpoints", "List the run's checkpoints", footer=False),
        Key("V", "video", "Video", "Watch the run's validation videos", footer=False),
        Key("E", "export", "Export", "Write the visible charts to an SVG file here", footer=False),
    ),
    "log": (
        Key("up,k", "move(-1)", "Up", "Select the line above, and stop following", footer=False),
        Key("down,j", "move(1)", "Down", "Select the line below", footer=False),
        Key("pageup", "page(-1)", "Page up", "Go up one page", footer=False),
        Key("pagedown", "page(1)", "Page down", "Go down one page", footer=False),
        Key("left", "sideways(-16)", "Left", "Scroll long lines left", footer=False),
        Key("right", "sideways(16)", "Right", "Scroll long lines right", footer=False),
        Key("home,g", "end(-1)", "First", "Go to the first line", footer=False),
        Key("end,G", "end(1)", "Last", "Go to the end and follow it", footer=False),
        Key("f", "follow", "Follow", "Follow the end again", footer=False),
        Key("slash", "search(0)", "Find", "Search for a regular expression", shown="/"),
        Key("n", "search(1)", "Next", "Go to the next match", footer=False),
        Key("N", "search(-1)", "Previous", "Go to the previous match", footer=False),
        Key(
            "enter",
            "choose",
            "To chart",
            "Move the charts' cursor to this line",
            footer=False,
        ),
    ),
    "search": (Key("escape", "close", "Close", "Close the search"),),
    "compare": (
        Key(
            "1", "pane('curves')", "Panes", "Show the curves; again: only this panel", footer=False
        ),
        Key(
            "2",
            "pane('classes')",
            "Classes",
            "Show scores and confusions of the classes; again: only this panel",
            footer=False,
        ),
        Key(
            "3",
            "pane('settings')",
            "Settings",
            "Show the settings that differ; again: only this panel",
            footer=False,
        ),
        Key("4", "pane('figures')", "Figures", "Show all figures", footer=False),
        Key(
            "5",
            "pane('code')",
            "Code",
            "Show the difference of the code; again: only this panel",
            footer=False,
        ),
        Key("m", "metric", "Metric", "Choose the metric of the curves"),
        Key(
            "V",
            "frames",
            "Frames",
            "Watch the frames of a confusion, both models' strips under them",
        ),
        Key(
            "x", "axis", "X axis", "Change the x axis: epochs, steps, time or dollars", footer=False
        ),
        Key("y", "log_y", "Log y", "Toggle a logarithmic axis", footer=False),
        Key("e", "smooth", "Smooth", "Smooth the curves: 0, 0.6, 0.9, 0.97", footer=False),
        Key("n", "cells", "Numbers", "Show confusions as frames, shares or both", footer=False),
        Key(
            "w",
            "worst",
            "Worst",
            "Show classes as lists, worst first, or as matrices",
            footer=False,
        ),
        Key(
            "left_square_bracket",
            "select(-1)",
            "Side before",
            "Select the previous side",
            footer=False,
        ),
        Key("right_square_bracket", "select(1)", "Next side", "Select the next side", footer=False),
        Key("a", "add", "Add", "Add a version, a run or a checkpoint"),
        Key("D", "drop", "Drop", "Remove the selected side", footer=False),
        Key("b", "reference", "Swap", "Compare the others with the selected side"),
        Key(
            "l",
            "settle",
            "Settle",
            "Launch the seeds that would settle the verdict; asks first",
            changes=True,
        ),
        Key("R", "reread", "Read again", "Read the runs again", footer=False),
        Key("E", "export", "Export", "Write the comparison as HTML and SVG files here"),
    ),
    "checkpoints": (
        Key("v", "verify", "Verify", "Read all checkpoints and check their sha256"),
        Key("space", "choose_one", "Mark", "Mark the checkpoint for a comparison", footer=False),
        Key("c", "compare", "Compare", "Compare the marked checkpoints, or the row with the best"),
        Key("e", "evaluate", "Eval", "Evaluate the checkpoint on other data"),
        Key(
            "m", "keep", "Keep", "Keep the checkpoint as `marked`, or remove the mark", changes=True
        ),
    ),
    "classes": (
        Key("enter", "screen.frames", "Frames", "Watch the frames of a confusion", footer=False),
    ),
    "sides": (
        Key("left", "sideways(-1)", "Left", "Show the previous sides", footer=False),
        Key("right", "sideways(1)", "Right", "Show the next sides", footer=False),
    ),
    "video": (
        Key("space", "play", "Play", "Play or pause"),
        Key("comma", "step(-1)", "Frame", "Go back one frame", shown=", ."),
        Key("full_stop", "step(1)", "Frame on", "Go forward one frame", footer=False),
        Key("left", "skip(-1)", "Back 1 s", "Go back one second", footer=False),
        Key("right", "skip(1)", "On 1 s", "Go forward one second", footer=False),
        Key("shift+left", "skip(-10)", "Back 10 s", "Go back ten seconds", footer=False),
        Key("shift+right", "skip(10)", "On 10 s", "Go forward ten seconds", footer=False),
        Key("left_square_bracket", "speed(-1)", "Slower", "Play slower", footer=False),
        Key("right_square_bracket", "speed(1)", "Faster", "Play faster", footer=False),
        Key("n", "error(1)", "Error", "Go to the next run of wrong frames"),
        Key(
            "N",
            "error(-1)",
            "Error before",
            "Go to the previous run of wrong frames",
            footer=False,
        ),
        Key("b", "bout(1)", "Bout", "Go to the next bout, true or predicted"),
        Key("B", "bout(-1)", "Bout before", "Go to the previous bout", footer=False),
        Key("g", "go_to", "Go to", "Go to a frame or a time", footer=False),
        Key("home", "end(-1)", "First", "Go to the first frame", footer=False),
        Key("end", "end(1)", "Last", "Go to the last frame", footer=False),
        Key("z", "view", "View", "Show the arena, a close-up of the mice, or one mouse"),
        Key(
            "T",
            "trail",
            "Trail",
            "Show the trail of the mice: one second, five, or none",
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
        Key(
            "c",
            "checkpoint",
            "Checkpoint",
            "Choose the checkpoint whose predictions are shown",
            footer=False,
        ),
        Key("s", "sort", "Sort", "Choose the column that the videos are sorted by", footer=False),
        Key("D", "data", "Data", "Set the folder with the data", footer=False),
        Key(
            "m",
            "slice",
            "Slice",
            "Keep the bout under the cursor, with a comment, as a slice that all versions are measured on",
            changes=True,
            footer=False,
        ),
        Key("M", "slices", "Slices", "Go to a slice that was kept", footer=False),
    ),
    "screen": (Key("escape,q", "back", "Back", "Go back to the previous screen", shown="esc"),),
    "table": (
        Key("up,k", "move(-1)", "Up", "Select the row above", footer=False),
        Key("down,j", "move(1)", "Down", "Select the row below", footer=False),
        Key("pageup", "page(-1)", "Page up", "Go up one page", footer=False),
        Key("pagedown", "page(1)", "Page down", "Go down one page", footer=False),
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
        Key("0", "reset", "Reset zoom", "Show everything, without the cursor", footer=False),
    ),
}
"""Place → its keys. Screens and widgets add their own; no place binds a key twice."""


def bindings(*places: str) -> list[BindingType]:
    """Return Textual bindings for the keys of some places."""
    return [key.binding for place in places for key in KEYS[place]]


def changing(places: Sequence[str]) -> frozenset[str]:
    """Return the names, without parameters, of actions that change more than the view."""
    return frozenset(
        key.action.partition("(")[0] for place in places for key in KEYS[place] if key.changes
    )
