"""A run killed by SIGKILL at random instants ends as if it had never been killed."""

import os
import random
import signal
import time
from functools import partial

from core.config.experiment import HardwareConfig
from core.features.settings import FeatureConfig
from core.models.settings import ModelConfig
from core.tasks.behaviour.settings import (
    AugmentationConfig,
    BehaviourDataConfig,
    BehaviourExperiment,
    BehaviourTrainingConfig,
)

KILLS = int(os.environ.get("MABE_TEST_KILLS", "6"))
"""Number of kills per test; `make bench` uses more."""
SMALL_V6 = BehaviourExperiment(
    name="small",
    actions={
        "approach": "social",
        "mount": "mating",
        "attack": "aggressive",
        "chase": "aggressive",
    },
    hardware=HardwareConfig(device="cpu"),
    data=BehaviourDataConfig(window=40, stride=20, synthetic_videos=3, synthetic_frames=400),
    features=FeatureConfig(inputs=("coordinates", "speed", "acceleration")),
    model=ModelConfig(name="conv_bilstm", channels=(8, 8), hidden_size=8),
    training=BehaviourTrainingConfig(
        epochs=4,
        batch_size=8,
        accumulation_steps=2,
        learning_rate=3e-3,
        warmup_epochs=2,
        gradient_clip=1.0,
        scheduler="plateau",
        plateau_patience=0,
        mixup_alpha=0.2,
        focal_gamma=1.0,
        balanced_sampling=0.5,
        ema_decay=0.9,
        label_smoothing=0.1,
        class_weights=(1.0, 5.0, 8.0, 8.0),
        augmentation=AugmentationConfig(noise_std=0.01, jitter_frames=2),
    ),
)


def run_job(start, run, kill_after=None):
    """Run one attempt and kill it after some seconds; return its exit code."""
    job = start(run.path)
    if kill_after is not None:
        time.sleep(
            kill_after
        )  # a random instant is the point of the test: it waits for no condition
        job.kill()
    job.communicate()
    return job.returncode


def kill_and_compare(start, make_run, result_of, epochs):
    """Kill runs at random instants the required number of times; each must end like an undisturbed run."""
    whole, timed = make_run("whole"), make_run("timed")
    assert run_job(start, whole) == 0
    began = time.monotonic()
    assert run_job(start, timed) == 0  # the first run prepares its data
    seconds = time.monotonic() - began
    seed = random.randrange(10**6)
    print("seed of the instants:", seed)
    instants, kills, runs = random.Random(seed), 0, 0
    while kills < KILLS:
        run = make_run(f"cut{runs}")
        for _ in range(4):
            code = run_job(start, run, kill_after=instants.uniform(0, seconds))
            kills += code == -signal.SIGKILL
            if code == 0:
                break
        else:
            assert run_job(start, run) == 0
        runs += 1
        assert result_of(run) == result_of(whole)
        assert [epoch.epoch for epoch in run.history().epochs] == list(range(1, epochs + 1))


def test_killed_at_any_instant_also_inside_a_checkpoint_write(new_run, spawn, result_of):
    def make_run(name):
        return new_run(name, epochs=6, scheduler="plateau", plateau_patience=0, ema_decay=0.9)

    start = partial(spawn, FAKE_STEP_SECONDS="0.002", FAKE_SLOW_WRITES="0.0002")
    kill_and_compare(start, make_run, result_of, epochs=6)


def test_killed_at_any_instant_while_learning_behaviour(new_run, spawn, result_of):
    def make_run(name):
        return new_run(name, experiment=SMALL_V6)

    kill_and_compare(partial(spawn, FAKE_NOTHING="1"), make_run, result_of, epochs=4)
