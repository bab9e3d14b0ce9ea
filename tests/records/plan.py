"""The runs in the record: small ones of every version. This module imports nothing of the program."""

SMALL = ("training.epochs=2", "training.warmup_epochs=0", "training.batch_size=8")
WINDOWS = ("data.window=32", "data.stride=16", "data.validation_fraction=0.5")
OWN_DATA = ("data.synthetic_videos=4", "data.synthetic_frames=120")
CONVOLUTIONS = ("model.channels=[4, 4]", "model.hidden_size=4", "model.layers=1")
TWO_MICE = (*CONVOLUTIONS, "data.mice=2")
TRANSFORMER = (
    "model.hidden_size=8", "model.layers=1", "model.heads=2", "model.feed_forward=8",
)  # fmt: skip
HYBRID = ("model.name=hybrid", 'features.inputs=["coordinates", "engineered"]')
CONTACT = ("data.stride=32", "model.channels=[4, 4]")
RUNS: dict[str, tuple[str, int, bool, tuple[str, ...]]] = {
    "v1": ("v1", 42, False, ("model.channels=[8]", *OWN_DATA)),
    "v2": ("v2", 42, False, (*CONVOLUTIONS, *OWN_DATA)),
    "v3": ("v3", 42, False, (*TRANSFORMER, *OWN_DATA)),
    "v4": ("v4", 42, False, (*CONVOLUTIONS, *OWN_DATA)),
    "v5 seed 1": ("v5", 1, True, TWO_MICE),
    "v5 seed 2": ("v5", 2, True, TWO_MICE),
    "v6 seed 1": ("v6", 1, True, TWO_MICE),
    "v6 seed 2": ("v6", 2, True, TWO_MICE),
    "v7": ("v7", 42, True, CONTACT),
    "hybrid": ("v2", 7, False, (*CONVOLUTIONS, *HYBRID, *OWN_DATA)),
    "unet1d": ("v2", 8, False, ("model.name=unet1d", "model.channels=[4, 4]", *OWN_DATA)),
}
"""Name → version, seed, whether it learns from the store's data folder, and settings of its own."""
RESUMED = "v6 resumed"
PROBED = ("model.channels=[8]", *OWN_DATA)
TUNED = ("training.epochs=1", *SMALL[1:2], *WINDOWS, *CONTACT)


def set_words(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]
