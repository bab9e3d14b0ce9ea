"""The network whose size the original documents misstate."""

from core.experiment import ModelConfig
from core.models.build import parameter_count
from core.tasks.task import InputSpec


def test_v6_has_the_stated_number_of_parameters() -> None:
    spec = InputSpec(features=288, outputs=4, mice=4, keypoints=18, blocks={})
    assert parameter_count(ModelConfig(name="conv_bilstm"), spec) == 2_811_204
