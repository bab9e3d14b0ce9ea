"""Predictions of validation frames: each frame once, in float32, with its truth."""

import pyarrow as pa
import pytest
import torch

from tests.core.tasks.prepared_data import prepared
from tests.core.tasks.test_behaviour import ALL_CLASSES, task_of


def test_every_validation_frame_is_predicted_once() -> None:
    data = prepared([130, 97, 111], dict.fromkeys(range(3), ALL_CLASSES))
    task = task_of(data, data={"validation_videos": ["v1", "v2"]})
    torch.manual_seed(0)
    tables, measure = [], task.measure()
    for batch in task.validation_batches():
        output = torch.randn(*batch.targets.shape, 4)
        tables.append(task.predict(output, batch))
        measure.update(output, batch)

    table = pa.concat_tables(tables).to_pandas()

    assert list(table.columns[:3]) == ["unit", "frame", "label"]
    frames = {unit: sorted(part["frame"]) for unit, part in table.groupby("unit", observed=True)}
    assert frames == {"v1": [*range(97)], "v2": [*range(111)]}
    assert table["label"].value_counts().to_dict() == task.summary.validation_label_examples
    probabilities = table[[f"probability/{n}" for n in ("other", "social", "mating", "aggressive")]]
    assert set(probabilities.dtypes.astype(str)) == {"float32"}
    assert probabilities.sum(axis=1).astype(float).to_numpy() == pytest.approx(1, abs=1e-5)
    guessed = probabilities.idxmax(axis=1).str.removeprefix("probability/")
    accuracy = (guessed == table["label"].astype(str)).mean()
    assert accuracy == pytest.approx(measure.metrics()["accuracy"], abs=1e-12)


def test_training_batches_cannot_be_predicted() -> None:
    task = task_of()
    batch = next(task.train_batches(0))
    with pytest.raises(TypeError, match="validation_batches"):
        task.predict(torch.zeros(*batch.targets.shape, 4), batch)
