from __future__ import annotations

import sys
import types

import pytest
import torch

from engine.runtime import device, hardware
from engine.runtime.device import (
    own_device,
    parse_device,
    select_device,
    training_devices,
    tune_cpu,
)
from engine.runtime.errors import DeviceError
from engine.runtime.hardware import list_devices, list_gpus

needs_no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="about computers without CUDA")


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (None, ()),
        ("", ()),
        ("cpu", ("cpu",)),
        ("CPU", ("cpu",)),
        (torch.device("cpu"), ("cpu",)),
        ("mps", ("mps",)),
        ("mps:0", ("mps",)),
        (0, ("0",)),
        ("cuda", ("0",)),
        ("cuda:3", ("3",)),
        (torch.device("cuda", 1), ("1",)),
        ("0,1", ("0", "1")),
        ("0,", ("0",)),
        ("[0, 1]", ("0", "1")),
        ([0, 1], ("0", "1")),
        (-1, ("-1",)),
        ("-1,-1", ("-1", "-1")),
        ("cpu,cpu", ("cpu", "cpu")),
        (["cpu", "cpu"], ("cpu", "cpu")),
    ],
)
def test_parse_device(spec, names):
    assert parse_device(spec) == names


@pytest.mark.parametrize("spec", ["gpuu", "cpu,0", "0,0", "cuda:x", True, "-2", 1.5])
def test_parse_device_refuses(spec):
    with pytest.raises(DeviceError, match="device expects cpu, mps, a GPU number"):
        parse_device(spec)


def test_select_device_cpu():
    assert select_device("cpu") == torch.device("cpu")


@needs_no_cuda
@pytest.mark.parametrize("spec", [0, "cuda:2", "-1"])
def test_missing_gpu_says_what_there_is(spec):
    with pytest.raises(DeviceError, match=rf"device={spec} cannot be used.*device=cpu"):
        select_device(spec)


@needs_no_cuda
def test_no_wish_is_the_cpu_without_cuda():
    assert select_device() == torch.device("cpu")


def test_of_several_devices_the_first_is_taken_and_said(caplog):
    assert select_device("cpu,cpu") == torch.device("cpu")
    assert "only trainings use several devices" in caplog.text


@needs_no_cuda
def test_each_device_of_a_training_must_be_there():
    assert training_devices(None) == ()
    assert training_devices("0") == ("0",)  # one is looked at where it is used
    assert training_devices("cpu,cpu") == ("cpu", "cpu")
    with pytest.raises(DeviceError, match="device=0 cannot be used"):
        training_devices("0,1")


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("spec", "names"), [("-1,-1", ("1", "0")), ("1,-1", ("1", "0")), ("2,0", ("2", "0"))]
)
def test_idle_gpus_of_a_training_are_different_ones(monkeypatch, spec, names):
    monkeypatch.setattr(device, "select_device", lambda name: name)
    assert training_devices(spec) == names


@pytest.mark.parametrize(
    ("spec", "place", "taken"),
    [("2,0", 0, "2"), ("2,0", 1, "0"), ("cpu,cpu", 1, "cpu"), ("cpu", 1, "cpu")],
)
def test_a_process_takes_the_device_of_its_place(monkeypatch, spec, place, taken):
    for name, value in (("RANK", place), ("LOCAL_RANK", place), ("WORLD_SIZE", 2)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(device, "select_device", lambda name: name)
    assert own_device(spec) == taken


def test_a_process_without_a_device_is_refused(monkeypatch):
    for name, value in (("RANK", 1), ("LOCAL_RANK", 1), ("WORLD_SIZE", 2)):
        monkeypatch.setenv(name, str(value))
    with pytest.raises(DeviceError, match="process 2 of this computer has no device"):
        own_device("0")
    monkeypatch.delenv("RANK")  # left over from something else
    assert own_device("cpu") == torch.device("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_list_and_cuda_agree():
    gpus = list_gpus()
    assert len(gpus) == torch.cuda.device_count()
    for gpu in gpus:
        properties = torch.cuda.get_device_properties(gpu.index)
        assert properties.name == gpu.name
        assert abs(properties.total_memory / 2**20 - gpu.memory_mib) < 0.05 * gpu.memory_mib


def test_list_devices_ends_with_the_real_cpu():
    cpu = list_devices()[-1]
    assert (cpu.id, cpu.kind, cpu.unavailable) == ("cpu", "cpu", "")
    assert cpu.memory_mib > (cpu.free_mib or 0) > 0
    assert hardware.cpu_name() in cpu.label
    assert "GiB" in cpu.label


class Driver(types.ModuleType):
    """Answers like the driver's package on a computer with three GPUs, which the test's may not be."""

    NVMLError = type("NVMLError", (Exception,), {})
    cards = [("GPU-aa11", "Card A", 8), ("GPU-aa22", b"Card B", 16), ("GPU-bb33", "Card A", 8)]

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...
    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        raise self.NVMLError(uuid)

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return self.cards[handle][0]

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return self.cards[handle][1]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> types.SimpleNamespace:
        total = self.cards[handle][2] * 2**30
        return types.SimpleNamespace(total=total, free=total // 2)


@pytest.fixture
def three_gpus(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Driver("pynvml"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "torch_cuda_version", lambda: "12.4")


@pytest.mark.usefixtures("three_gpus")
def test_gpus_by_name_and_memory_then_all_of_them():
    devices = list_devices()
    assert [device.id for device in devices] == ["0", "1", "2", "0,1", "0,1,2", "cpu"]
    assert devices[1].label == "1: Card B, 16.0 GiB"
    assert devices[1].free_mib == 8 * 1024
    assert [devices[i].memory_mib for i in (3, 4)] == [24 * 1024, 32 * 1024]
    assert devices[4].name == "all 3 GPUs (Card A, Card B)"
    assert not devices[4].unavailable


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("2,1", ["Card A", "Card B"]),
        ("", []),
        ("-1", []),
        ("1,7,0", ["Card B"]),
        ("GPU-aa2", ["Card B"]),
        ("GPU-zz", []),
    ],
)
def test_visible_devices_are_numbered_as_cuda_does(monkeypatch, visible, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.name for gpu in list_gpus()] == names
    assert [gpu.index for gpu in list_gpus()] == list(range(len(names)))


@pytest.mark.usefixtures("three_gpus")
def test_gpu_that_torch_cannot_use_says_why(monkeypatch):
    monkeypatch.setattr(hardware, "torch_cuda_version", lambda: None)
    assert "without CUDA" in list_devices()[0].unavailable


def test_torch_cuda_version_is_what_torch_says():
    assert hardware.torch_cuda_version() == torch.version.cuda


def test_cgroup_quota_of_both_versions(tmp_path):
    assert hardware._cgroup_quota(tmp_path) is None
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("150000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert hardware._cgroup_quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert hardware._cgroup_quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert hardware._cgroup_quota(tmp_path) == 0.5


def test_cpu_counts_are_ordered():
    assert 1 <= hardware.physical_cores() <= hardware.available_cpus()


def test_tune_cpu(monkeypatch):
    before = torch.get_num_threads()
    try:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        assert tune_cpu() == hardware.physical_cores() == torch.get_num_threads()
        assert tune_cpu(processes=1000) == 1
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert tune_cpu() == torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
