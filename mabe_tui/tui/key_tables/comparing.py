"""Keys: a comparison."""

from mabe_tui.tui.key import Key

COMPARING: dict[str, tuple[Key, ...]] = {
    "history": (
        Key("c", "compare", "Compare", "Compare the version with the one that it extends"),
        Key("a", "all", "All", "Show all versions, or the lineage of the selected one"),
    ),
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
        Key("tab", "app.focus_next", "Tables", "Go to the next table or pane", footer=False),
    ),
    "classes": (
        Key("enter", "screen.frames", "Frames", "Watch the frames of a confusion", footer=False),
    ),
}
