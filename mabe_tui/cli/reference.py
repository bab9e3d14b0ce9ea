"""The command reference, made from the commands themselves: ``python -m mabe_tui.cli.reference``."""

from typing import Any

import typer

from mabe_tui.cli.main import app

HEADER = """# Commands

Made by `make reference` from the commands' own help; a test keeps it in step. Standard output carries
data, standard error carries words. Every error is one line and an exit code other than 0; `--debug`,
anywhere on the line, shows the traceback.
"""


def reference() -> str:
    """Return the whole reference as Markdown."""
    root = typer.main.get_command(app)
    return HEADER + "".join(_sections(root, ["mabe"]))


# typer brings click along under a name of its own that may change, hence ``Any``.
def _sections(command: Any, path: list[str]) -> list[str]:
    context = typer.Context(command, info_name=path[-1], max_content_width=90)
    sections = [_section(command, context, path)]
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        sections += _sections(command.get_command(context, name), [*path, name])
    return sections


def _section(command: Any, context: typer.Context, path: list[str]) -> str:
    usage = " ".join([" ".join(path), *command.collect_usage_pieces(context)])
    lines = [
        f"\n## {' '.join(path)}\n",
        (command.help or "").split("\f")[0].strip(),
        f"\n`{usage}`\n",
    ]
    rows = [record for param in command.params if (record := param.get_help_record(context))]
    rows = [(names, text) for names, text in rows if "completion" not in names]
    if rows:
        lines += ["| | |", "| --- | --- |"]
        lines += [
            f"| `{names.replace('|', chr(92) + '|')}` | {' '.join(text.split())} |"
            for names, text in rows
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
