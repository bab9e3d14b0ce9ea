"""GPU names, as requested in settings and as reported by devices."""

import pytest

from core.config.gpus import GPUS, Gpu, gpu_problem, gpu_text, match_device, split_gpu, unknown_gpus

DEVICES = {
    "Tesla T4": "T4",
    "NVIDIA L4": "L4",
    "NVIDIA A10": "A10",
    "NVIDIA A10G": "A10",
    "NVIDIA L40S": "L40S",
    "NVIDIA A100-SXM4-40GB": "A100-40GB",
    "NVIDIA A100-SXM4-80GB": "A100-80GB",
    "NVIDIA A100 80GB PCIe": "A100-80GB",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "RTX-PRO-6000",
    "NVIDIA H100 80GB HBM3": "H100",
    "NVIDIA H200": "H200",
    "NVIDIA B200": "B200",
}


@pytest.mark.parametrize(("device", "name"), DEVICES.items())
def test_each_device_is_one_of_the_gpus(device: str, name: str) -> None:
    assert match_device(device, GPUS) == name


@pytest.mark.parametrize(
    ("device", "asked", "found"),
    [
        ("NVIDIA H200", ("H100:2", "A100-80GB:2"), "H100:2"),
        ("NVIDIA A100-SXM4-80GB", ("A100", "H100"), "A100"),
        ("NVIDIA B300 SXM6 AC", ("B200+", "H200"), "B200+"),
        ("NVIDIA X9 64GB", ("X9", "H100!"), "X9"),
        ("NVIDIA H100 PCIe", ("X9", "H100!"), "H100!"),
        ("NVIDIA GH200 480GB", ("H200", "H100"), None),
        ("AMD EPYC 9354", ("H200", "H100"), None),
        (None, ("H100",), None),
    ],
)
def test_a_device_is_the_one_that_was_asked_for_or_its_upgrade(
    device: str | None, asked: tuple[str, ...], found: str | None
) -> None:
    assert match_device(device, asked) == found


@pytest.mark.parametrize(
    ("gpu", "problem"),
    [
        (None, None),
        ("H100:8", None),
        ("H100!:2", None),
        (("H100!", "A100-80GB", "B400"), None),
        ("B400:9", None),
        ((), "asks for no GPU"),
        ("H100:0", "must be a whole number from 1"),
        ("H100:", "must be a whole number from 1"),
        ("A10:8", "at most 4 A10"),
        ("A10G", "now called 'A10'"),
        (("T4", "h100"), "'h100' is spelled 'H100'"),
        (("H100", "H100!"), "H100 is named twice"),
        (("H100", "A10:4"), "as many GPUs whichever it gets"),
        ("H100 or A10", "no GPU's name"),
        ("", "no GPU's name"),
    ],
)
def test_what_is_wrong_with_a_gpu(gpu: Gpu, problem: str | None) -> None:
    found = gpu_problem(gpu)
    assert found is None if problem is None else found is not None and problem in found


def test_an_unknown_name_is_new_or_a_slip() -> None:
    assert unknown_gpus(("H100!", "B400:2", "A100", "B200+")) == ("B400",)
    assert split_gpu("H100!:2") == ("H100", 2)
    assert [gpu_text(gpu) for gpu in (None, "T4", ("H100!", "T4"))] == [None, "T4", "H100!/T4"]
