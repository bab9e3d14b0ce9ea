import tomllib
from pathlib import Path

import pytest

from core.config.experiment import flatten
from core.config.new_version import add_version
from core.config.registry import Registry, default_path, find, load
from core.errors import ConfigError

SMALL = """
format = 1
[experiments.a]
status = "done"
assumed = ["training.epochs"]
[experiments.a.notes]
why = "first"
[experiments.a.training]
epochs = 7
class_weights = [1.0, 2.0, 3.0, 4.0]
scheduler = "plateau"
[experiments.b]
extends = "a"
[experiments.b.training]
batch_size = 8
class_weights = "none"
[presets.quick]
title = "quick"
[presets.quick.training]
epochs = 2
"""


@pytest.fixture
def small(tmp_path: Path) -> Registry:
    return registry_of(tmp_path, SMALL)


def registry_of(folder: Path, text: str) -> Registry:
    path = folder / "experiments.toml"
    path.write_text(text)
    return load(path)


@pytest.fixture(scope="module")
def shipped() -> Registry:
    return load(default_path())


def test_shipped_registry_holds_the_six_versions_and_ours(shipped: Registry) -> None:
    assert shipped.versions[:9] == ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v8-boost")
    assert {"pairs-plain", "stage1", "stage2", "stage3"} < {*shipped.versions}
    assert shipped.lineage("v6") == ["v1", "v2", "v3", "v4", "v5", "v6"]


# The table of the versions, column by column: what each must resolve to.
TABLE: dict[str, dict[str, object]] = {
    "v1": {
        "hardware.launcher": "local",
        "hardware.device": "cpu",
        "hardware.loader_workers": 0,
        "data.source": "synthetic",
        "data.mice": 2,
        "data.keypoints": "mars7",
        "features.inputs": ("coordinates",),
        "model.name": "mlp",
        "model.dropout": 0.1,
        "data.window": 64,
        "data.stride": 16,
        "training.batch_size": 32,
        "training.epochs": 10,
        "training.learning_rate": 1e-3,
        "training.warmup_epochs": 0,
        "training.weight_decay": 1e-4,
        "training.gradient_clip": 1.0,
        "training.scheduler": None,
        "training.class_weights": None,
        "training.augmentation.noise_std": 0.0,
        "training.early_stopping_patience": None,
    },
    "v2": {
        "hardware.launcher": "local",
        "hardware.loader_workers": 4,
        "features.inputs": ("engineered",),
        "model.name": "conv_bilstm",
        "model.dropout": 0.3,
        "data.window": 100,
        "data.stride": 25,
        "training.batch_size": 64,
        "training.epochs": 100,
        "training.learning_rate": 3e-4,
        "training.weight_decay": 1e-4,
        "training.scheduler": "plateau",
        "training.class_weights": (0.5, 10.0, 15.0, 15.0),
        "training.label_smoothing": 0.1,
        "training.mixup_alpha": 0.2,
        "training.augmentation.noise_std": 0.01,
        "training.augmentation.jitter_frames": 2,
        "training.early_stopping_patience": 15,
    },
    "v3": {
        "hardware.launcher": "modal",
        "hardware.gpu": "T4",
        "hardware.app_name": "mabe-training",
        "hardware.timeout_seconds": 14400,
        "hardware.memory_mib": 16384,
        "hardware.loader_workers": 2,
        "data.source": "synthetic",
        "features.inputs": ("coordinates",),
        "model.name": "transformer",
        "model.channels": None,
        "data.window": 64,
        "data.stride": 16,
        "training.batch_size": 16,
        "training.epochs": 10,
        "training.learning_rate": 1e-4,
        "training.weight_decay": 1e-5,
        "training.scheduler": "cosine",
        "training.class_weights": None,
        "training.label_smoothing": 0.0,
        "training.mixup_alpha": 0.0,
        "training.augmentation.noise_std": 0.0,
        "training.early_stopping_patience": None,
        "model.dropout": 0.1,
    },
    "v4": {
        "hardware.gpu": "A10",
        "hardware.app_name": "mabe-training-advanced",
        "hardware.timeout_seconds": 14400,
        "hardware.memory_mib": 16384,
        "hardware.loader_workers": 4,
        "features.inputs": ("engineered",),
        "model.name": "conv_bilstm",
        "model.channels": (64, 128, 256),
        "data.window": 100,
        "training.batch_size": 64,
        "training.epochs": 100,
        "training.learning_rate": 3e-4,
        "training.weight_decay": 1e-4,
        "training.scheduler": "plateau",
        "training.plateau_patience": 5,
        "training.plateau_factor": 0.5,
        "training.min_learning_rate": 1e-5,
        "training.class_weights": (0.5, 10.0, 15.0, 15.0),
        "training.label_smoothing": 0.0,
        "training.augmentation.noise_std": 0.01,
        "training.early_stopping_patience": 15,
        "model.dropout": 0.3,
    },
    "v5": {
        "hardware.gpu": "A10",
        "hardware.app_name": "mabe-training-kaggle",
        "hardware.timeout_seconds": 86400,
        "hardware.memory_mib": 16384,
        "data.source": "competition",
        "data.mice": 4,
        "data.keypoints": "mabe18",
        "features.inputs": ("coordinates",),
        "training.batch_size": 64,
        "training.learning_rate": 3e-4,
        "training.class_weights": (0.5, 10.0, 15.0, 15.0),
    },
    "v6": {
        "hardware.gpu": "H100",
        "hardware.app_name": "mabe-h100-training",
        "hardware.timeout_seconds": 14400,
        "hardware.memory_mib": 65536,
        "hardware.loader_workers": 2,
        "features.inputs": ("coordinates", "speed", "acceleration"),
        "training.batch_size": 384,
        "training.learning_rate": 4e-4,
        "training.warmup_epochs": 3,
        "training.class_weights": (1.0, 5.0, 8.0, 8.0),
        "training.mixed_precision": None,
        "training.early_stopping_patience": 15,
        "training.save_every": 5,
    },
    "v7": {
        "hardware.launcher": "local",
        "hardware.gpu": None,
        "data.mice": 2,
        "data.keypoints": "mars7",
        "data.window": 128,
        "data.stride": 128,
        "data.phase": "random",
        "features.inputs": ("contact",),
        "features.clip": 6.0,
        "model.name": "tcn",
        "model.channels": (64, 64, 64, 64),
        "model.dropout": 0.3,
        "training.epochs": 20,
        "training.batch_size": 16,
        "training.learning_rate": 2e-3,
        "training.scheduler": "cosine",
        "training.weight_decay": 1e-2,
        "training.class_weights": None,
        "training.early_stopping_patience": None,
        "training.augmentation.noise_std": 0.0,
        "training.augmentation.jitter_frames": 0,
    },
}


@pytest.mark.parametrize("version", TABLE)
def test_version_resolves_to_its_description(shipped: Registry, version: str) -> None:
    settings = flatten(shipped.experiment(version))
    actual = {
        key: tuple(v) if isinstance(v := settings[key], list) else v for key in TABLE[version]
    }
    assert actual == TABLE[version]


def test_actions_of_the_competition_are_all_mapped(shipped: Registry) -> None:
    experiment = shipped.experiment("v6")
    assert len(experiment.actions) == 37
    assert sum(name == "aggressive" for name in experiment.actions.values()) == 6
    assert "bite" not in experiment.actions


def test_reported_belongs_to_one_version(shipped: Registry) -> None:
    assert shipped.experiment("v3").reported is None
    v5 = shipped.experiment("v5").reported
    assert v5 is not None
    assert (v5.f1_macro, v5.best_epoch, len(v5.curve)) == (0.4332, 22, 7)


def test_lists_replace_and_none_unsets(small: Registry) -> None:
    b = small.experiment("b")
    assert b.training.class_weights is None
    assert (b.training.epochs, b.training.batch_size) == (7, 8)


def test_what_speaks_of_one_version_is_not_inherited(small: Registry) -> None:
    b = small.experiment("b")
    assert (b.status, b.notes, b.assumed) == ("planned", {}, ())


def test_preset_then_overrides(small: Registry) -> None:
    assert small.experiment("b", preset="quick").training.epochs == 2
    assert small.experiment("b", ["training.epochs=3"], "quick").training.epochs == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "training.batchsize=3",
            "--set training.batchsize: unknown key; did you mean 'batch_size'?",
        ),
        ("training.batch_size=0", "--set training.batch_size: 0 is not a whole number above 0"),
        ("training.batch_size=many", "'many' is not a whole number above 0"),
        ("training.seed=true", "true is not a whole number"),
        ("model.name=conv_bilstmm", "did you mean 'conv_bilstm'?"),
        (
            "training.class_weights=[1, 2]",
            "2 weights for the 4 classes other, social, mating, aggressive",
        ),
        ("training.class_weights=[0,0,0,0]", "at least one weight must be above 0"),
        (
            "training.class_weights=[1,2,3,'x']",
            "--set training.class_weights[3]: 'x' is not a number from 0",
        ),
        ("hardware.gpu=5", "5 is not a text or an array, each item a text"),
        ("hardware.gpu=[]", "asks for no GPU"),
        ("hardware.gpu=A10:8", "one container has at most 4 A10"),
        ("hardware.gpu=A10G", "is now called 'A10'"),
        ("hardware.timeout_seconds=90000", "up to 86400"),
        ("training=3", "--set training: 3 is not a table"),
        ("training.warmup_epochs=200", "more than the 7 epochs"),
        ("features.inputs=['engineered','speed','speed']", "each once"),
        ("actions.sniff=socal", "'socal' is not one of the classes"),
        ("extends=v1", "change it in the registry"),
        ("training.learning_rate=inf", "inf is not a finite number"),
        ("training.class_weights=[1,2,3,nan]", "is not"),
        ("model.kernel_size=4", "is even"),
        ("data.stride=101", "is more than data.window = 100"),
        ("training.epochs", "write key=value"),
        ("=3", "write key=value"),
    ],
)
def test_override_errors_name_the_key_and_what_is_allowed(
    small: Registry, override: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        small.experiment("a", [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.name=tcn", "model.kernel_size=2"], "model.kernel_size: 2 is even"),
        (["model.name=unet1d", "model.channels=[]"], "model.channels: 'unet1d' needs at least one"),
        (["model.name=mlp", "model.channels=[]"], "model.channels: 'mlp' needs at least one"),
        (["model.name=transformer", "model.heads=7"], "model.heads: hidden_size 256 cannot"),
        (
            ["model.name=transformer", "model.hidden_size=9", "model.heads=3"],
            "model.hidden_size: 9 is odd",
        ),
        (["model.name=hybrid", "features.inputs=['speed']"], "model.name: 'hybrid' encodes"),
        (
            ["features.inputs=['engineered']", "features.pca_components=29"],
            "features.pca_components: 29 components of 28 coordinates; use at most 28",
        ),
    ],
)
def test_what_no_model_could_be_built_of_is_refused_at_once(
    small: Registry, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        small.experiment("a", overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("epochs = 7", "epoch = 7"),
            ":9: experiments.a.training.epoch: unknown key; did you mean 'epochs'?",
        ),
        (
            ("epochs = 7", "epochs = 0"),
            ":9: experiments.a.training.epochs: 0 is not a whole number above 0",
        ),
        (('extends = "a"', 'extends = "b"'), "a cycle, b → b"),
        (('extends = "a"', 'extends = "aa"'), "no version 'aa'; did you mean 'a'?"),
        (
            ('"training.epochs"', '"training.epoch"'),
            "no setting 'training.epoch'; did you mean 'training.epochs'?",
        ),
        (("format = 1", "format = 9"), "this mabe reads format 1"),
        (("format = 1", "formats = 1"), "unknown key 'formats' at the top; did you mean 'format'?"),
        (("format = 1", "format = "), "not valid TOML"),
        (("[experiments.b]", '[experiments."b c"]'), "'b c' cannot be a name"),
    ],
)
def test_file_errors_name_the_file_and_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        registry = registry_of(tmp_path, SMALL.replace(*change))
        for version in registry.versions:
            registry.experiment(version)
    assert message in str(caught.value)
    assert "experiments.toml" in str(caught.value)


def test_an_inherited_mistake_is_named_where_it_was_made(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, SMALL.replace("epochs = 7", "epochs = -1"))
    with pytest.raises(ConfigError, match=r":9: experiments\.a\.training\.epochs"):
        registry.experiment("b")


def test_a_preset_that_nobody_uses_is_looked_at_too(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, SMALL.replace("epochs = 2", "epoch = 2"))
    with pytest.raises(ConfigError, match=r":20: presets\.quick\.training\.epoch: unknown key"):
        registry.check_presets()


def test_a_preset_for_another_task_names_those_that_fit() -> None:
    registry = load(default_path())
    with pytest.raises(
        ConfigError, match=r"not for v8, whose task is 'actions'; .*: small-actions$"
    ):
        registry.experiment("v8", preset="demo")
    with pytest.raises(ConfigError, match=r"not for v5, whose task is 'behaviour'; .*: demo$"):
        registry.experiment("v5", preset="small-actions")


def test_what_is_inherited_from_an_assumption_is_assumed(small: Registry, tmp_path: Path) -> None:
    assert small.experiment("b").assumed == ()
    assert small.assumed("b") == {"training.epochs"}
    own = SMALL.replace("batch_size = 8", "batch_size = 8\nepochs = 9")
    assert registry_of(tmp_path, own).assumed("b") == frozenset()


def test_who_states_the_same_value_takes_an_assumption_back(tmp_path: Path) -> None:
    same = SMALL.replace("batch_size = 8", "batch_size = 8\nepochs = 7")
    assert registry_of(tmp_path, same).assumed("b") == frozenset()


def test_what_the_documents_state_is_not_assumed(shipped: Registry) -> None:
    stated = {"training.optimizer", "training.gradient_clip", "training.save_every"}
    for version in ("v4", "v5", "v6", "v7"):
        assert not stated & shipped.assumed(version), version
    assert "training.save_every" in shipped.assumed("v2")
    assert "training.gradient_clip" in shipped.assumed("v3")


def test_an_override_that_does_not_go_with_the_file_is_named(small: Registry) -> None:
    warm = SMALL.replace("epochs = 7", "epochs = 7\nwarmup_epochs = 2")
    registry = registry_of(small.path.parent, warm)
    message = (
        r"^--set training\.epochs=1: training\.warmup_epochs stays as it is, and 2 is more than the 1"
        r" epochs; give it too: --set training\.warmup_epochs=VALUE$"
    )
    with pytest.raises(ConfigError, match=message):
        registry.experiment("a", ["training.epochs=1", "data.source=competition"])


def test_new_version_is_written_and_the_others_stay(small: Registry) -> None:
    before = tomllib.loads(small.path.read_text())
    created = add_version(small, "c", "b", ["training.epochs=9"], notes="longer")
    after = tomllib.loads(small.path.read_text())
    assert created.training.epochs == 9
    assert list(after["experiments"]) == ["a", "b", "c"]
    assert {name: after["experiments"][name] for name in "ab"} == before["experiments"]
    assert after["presets"] == before["presets"]
    assert load(small.path).experiment("c") == created


def test_a_version_that_is_not_sound_is_not_written(small: Registry) -> None:
    before = small.path.read_bytes()
    for name, override in [
        ("a", "training.epochs=9"),
        ("c", "training.epochs=0"),
        ("last", "training.epochs=1"),
    ]:
        with pytest.raises(ConfigError):
            add_version(small, name, "b", [override])
    assert small.path.read_bytes() == before


def test_find_walks_up_and_obeys_the_environment(
    small: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MABE_REGISTRY", raising=False)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find(inner) == small.path
    monkeypatch.setenv("MABE_REGISTRY", str(tmp_path / "elsewhere.toml"))
    with pytest.raises(ConfigError, match="no such registry"):
        find(inner)


def test_every_version_survives_a_round_trip_through_toml(
    shipped: Registry, tmp_path: Path
) -> None:
    import tomli_w

    from core.config.decode import experiment_from
    from core.config.experiment import to_table

    for version in shipped.versions:
        experiment = shipped.experiment(version)
        table = tomllib.loads(tomli_w.dumps(to_table(experiment)))
        assert experiment_from(table, str) == experiment


def test_hybrid_without_keypoints_is_refused_before_anything_runs(shipped: Registry) -> None:
    message = r"model\.name: 'hybrid' .* features\.inputs = \[\"coordinates\", \"engineered\"\]"
    with pytest.raises(ConfigError, match=message):
        shipped.experiment("v2", ["model.name=hybrid"])
    both = 'features.inputs=["coordinates", "engineered"]'
    assert shipped.experiment("v2", ["model.name=hybrid", both]).model.name == "hybrid"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('hardware.gpu=["H100", "A100-80GB"]', ("H100", "A100-80GB")),
        ("hardware.gpu=H100,A100-80GB", ("H100", "A100-80GB")),
        ("hardware.gpu=[H100!, A10]", ("H100!", "A10")),
        ("hardware.gpu=H100", "H100"),
        ("hardware.gpu=none", None),
        ("hardware.region=us,eu-west", ("us", "eu-west")),
        ("features.inputs=coordinates,speed", ("coordinates", "speed")),
        ("model.channels=32,64", (32, 64)),
    ],
)
def test_lists_on_a_command_line(shipped: Registry, text: str, value: object) -> None:
    experiment = shipped.experiment("v6", [text])
    assert flatten(experiment)[text.partition("=")[0]] == value
