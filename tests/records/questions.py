"""The commands whose JSON is recorded."""

from collections.abc import Mapping

from tests.records.plan import PROBED, TUNED, set_words
from tests.records.store import PLACE

DATA = f"{PLACE}/data"


def questions(runs: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the command lines to record, by the name of the file that holds the output.

    Args:
        runs: id by the name that ``record.py`` gives each run.
    """
    asked = {**_of_versions(), **_of_all_runs(), **_of_data()}
    for name, run in runs.items():
        asked |= {f"status {name}": ["status", run], f"checkpoints {name}": ["checkpoints", run]}
    for name in ("v3", "v6 seed 1", "v6 resumed", "imported", "trial 1"):
        asked[f"logs {name}"] = ["logs", runs[name]]
    asked |= {**_compared(runs), **_computed(runs)}
    return {name.replace(" ", "-"): [*words, "--json"] for name, words in asked.items()}


def _of_versions() -> dict[str, list[str]]:
    return {
        "list": ["list"],
        "list measured": ["list", "--measured"],
        "list measured baseline": ["list", "--measured", "--baseline", "v6"],
        **{f"show v{number}": ["show", f"v{number}"] for number in range(1, 9)},
        "show diff": ["show", "v6", "--diff", "v5"],
        "show preset": ["show", "v6", "--preset", "demo", "--set", "training.epochs=3"],
        "run dry": ["run", "v1", "--dry-run", "--set", "training.epochs=1"],
        "gpus v6": ["gpus", "v6"],
        "gpus probed": ["gpus", "v1", *set_words(PROBED)],
        "gpus v3": ["gpus", "v3", "--epochs", "5"],
    }


def _of_all_runs() -> dict[str, list[str]]:
    return {
        "runs": ["runs", "-n", "0"],
        "runs where": ["runs", "--where", "seed > 1 and version:v5", "--sort", "f1"],
        "runs view": ["runs", "--view", "mine"],
        "runs tag": ["runs", "--tag", "tune:small"],
        "pins": ["pin"],
        "views": ["views"],
        "cost": ["cost"],
        "cost by run": ["cost", "--by", "run"],
        "prices": ["prices"],
        "gc": ["gc", "--dry-run"],
    }


def _of_data() -> dict[str, list[str]]:
    synth = ["data", "synth", f"{PLACE}/more", "--videos", "2", "--frames", "60", "--mice", "3"]
    return {
        "data check": ["data", "check", DATA, "--version", "v7"],
        "data check v6": ["data", "check", DATA],
        "data show": ["data", "show", DATA],
        "data prepare v7": ["data", "prepare", DATA, "--version", "v7"],
        "data prepare v6": ["data", "prepare", DATA],
        "data synth": synth,
    }


def _compared(runs: Mapping[str, str]) -> dict[str, list[str]]:
    one, other, resumed = runs["v5 seed 1"], runs["v6 seed 1"], runs["v6 resumed"]
    every = "loss,f1,f1_macro,accuracy,learning_rate,system"
    return {
        "curves": ["curves", one, other, "-m", every],
        "curves time": ["curves", resumed, "--x", "time", "--superseded"],
        "curves dollars": ["curves", runs["v3"], "--x", "dollars"],
        "curves imported": ["curves", runs["imported"]],
        "compare versions": ["compare", "v5", "v6"],
        "compare versions last": ["compare", "v5", "v6", "--epoch", "last"],
        "compare three": ["compare", "v1", "v3", "v7"],
        "compare runs": ["compare", one, other],
        "compare epochs": ["compare", f"{resumed}@epoch-1", f"{resumed}@epoch-3"],
        "compare imported": ["compare", runs["imported"], other],
    }


def _computed(runs: Mapping[str, str]) -> dict[str, list[str]]:
    v6, v7, resumed = runs["v6 seed 1"], runs["v7"], runs["v6 resumed"]
    return {
        "tag": ["tag", v6],
        "note": ["note", v6],
        "checkpoints verify": ["checkpoints", v6, "--verify"],
        "checkpoints verify resumed": ["checkpoints", resumed, "--verify"],
        "video": ["video", v7],
        "video worst": ["video", v6, "worst", "--frame", "10"],
        "eval": ["eval", v7, "--data", DATA],
        "eval last": ["eval", resumed, "--data", DATA, "--checkpoint", "last"],
        "predict": ["predict", v7, "--data", DATA, "-o", f"{PLACE}/p.parquet", "--median", "3"],
        "tune": [
            "tune", "v7", "--trials", "2", "--on", "local", "--data", DATA, "--name", "small",
            *set_words(TUNED),
        ],
    }  # fmt: skip
