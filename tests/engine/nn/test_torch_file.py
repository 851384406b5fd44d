import io
import pickle
import struct
import sys
import zipfile

import pytest
import torch

from engine.nn.model_file import read_values
from engine.runtime.errors import CheckpointError


def pickled_tensor(numel=4, offset=0, size=(4,), stride=(1,), kind="FloatStorage", key="0"):
    """A pickle of one tensor, with whatever it claims."""

    def number(n):
        return b"L%dL\n" % n

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = b"(Vstorage\nctorch\n%s\nV%s\nVcpu\n%stQ" % (
        kind.encode(),
        key.encode(),
        number(numel),
    )
    return (
        b"}Vt\nctorch._utils\n_rebuild_tensor_v2\n("
        + (storage + number(offset) + numbers(size) + numbers(stride))
        + b"I00\nccollections\nOrderedDict\n)RtRs."
    )


def zipped(path, pickled, parts=(("data/0", b"\0" * 16),), **how):
    """A zip in torch's layout."""
    with zipfile.ZipFile(path, "w", **how) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in parts:
            archive.writestr(f"archive/{name}", content)
    return path


def test_an_honest_file_is_read(tmp_path):
    found = read_values(zipped(tmp_path / "a.pt", pickled_tensor()))
    assert torch.equal(found["t"], torch.zeros(4))


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"numel": 5}, "part data/0 has 16 bytes, expected 20 bytes"),
        ({"numel": 2**40}, "part data/0 has 16 bytes"),
        ({"numel": -4}, "storage of an impossible size"),
        ({"kind": "DoubleStorage"}, "part data/0 has 16 bytes, expected 32 bytes"),
        ({"key": "7"}, "part data/7 has nothing"),
        ({"key": "../data.pkl"}, r"part data/../data.pkl has nothing"),
        ({"size": (5,)}, "a tensor larger than its storage"),
        ({"offset": 1}, "a tensor larger than its storage"),
        ({"offset": -1}, "a tensor of an impossible shape"),
        ({"size": (-1,)}, "a tensor of an impossible shape"),
        ({"stride": (2,)}, "a tensor larger than its storage"),
        ({"stride": (-1,)}, "a tensor of an impossible shape"),
        ({"stride": ()}, "a tensor of an impossible shape"),
        ({"size": (2**62, 2**62), "stride": (0, 0)}, "repeats its storage too often"),
        ({"size": (100_000, 100_000), "stride": (0, 0)}, "repeats its storage too often"),
        ({"size": (1,) * 17, "stride": (1,) * 17}, "too many dimensions"),
        ({"size": (2**40, 0), "stride": (2**70, 1), "offset": 2**80}, None),
        ({"kind": "QInt8Storage"}, "asks for torch.QInt8Storage"),
    ],
)
def test_what_a_tensor_claims_is_checked(tmp_path, claims, message):
    path = zipped(tmp_path / "a.pt", pickled_tensor(**claims))
    if message is None:  # no elements: nothing can lie outside
        assert read_values(path)["t"].numel() == 0
        return
    with pytest.raises(CheckpointError, match=message):
        read_values(path)


def test_a_part_cannot_be_claimed_as_two_types(tmp_path):
    one = pickled_tensor()
    two = pickled_tensor(kind="IntStorage").replace(b"}Vt\n", b"Vu\n", 1)
    with pytest.raises(CheckpointError, match="different sizes for its part 0"):
        read_values(zipped(tmp_path / "a.pt", one[:-1] + two))


@pytest.mark.parametrize(
    "pickled",
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00(t(ttR.",
        b"ctorch._utils\n_rebuild_parameter\n(K\x01I00\nNtR.",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(cbuiltins\nset\nN(tNtR.",
        b"(Vstorage\nVx\nV0\nVcpu\nK\x04tQ.",
        b"(Vother\nK\x01tQ.",
        b"K\x01Q.",
    ],
)
def test_tensors_of_nothing_are_refused(tmp_path, pickled):
    with pytest.raises(CheckpointError, match=r"is damaged or not a model file \(it "):
        read_values(zipped(tmp_path / "a.pt", pickled))


def test_numbers_that_are_not_kept_are_not_read(tmp_path):
    """Any other part may be as hostile as it likes."""
    bad = pickle.dumps(Exception("x"))
    parts = (("data/0", b"\0" * 16), ("extra.pkl", bad), ("version", bad), ("data/9", bad))
    assert read_values(zipped(tmp_path / "a.pt", pickled_tensor(), parts))["t"].sum() == 0


def test_a_name_twice_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(path, pickled_tensor(), (("data/0", b"\0" * 16), ("data/0", b"\1" * 16)))
    with pytest.raises(CheckpointError, match="a zip that holds a name twice"):
        read_values(path)


def test_compressed_parts_are_refused(tmp_path):
    path = zipped(tmp_path / "a.pt", pickled_tensor(), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="a zip with compressed parts"):
        read_values(path)


def test_overlapping_parts_are_refused(tmp_path):
    path = zipped(tmp_path / "a.pt", pickled_tensor(), [(f"data/{i}", b"x" * 64) for i in range(9)])
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\1\2")
    while place >= 0:  # every part now claims the size of the whole file
        size = struct.pack("<II", len(content), len(content))
        content[place + 20 : place + 28] = size
        place = content.find(b"PK\1\2", place + 4)
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="its parts are larger than the file"):
        read_values(path)


def test_flipped_bits_are_noticed(tmp_path):
    torch.save({"t": torch.arange(1000)}, tmp_path / "a.pt")
    content = bytearray((tmp_path / "a.pt").read_bytes())
    content[content.index(bytes(torch.arange(900, 904).numpy()))] ^= 4
    (tmp_path / "a.pt").write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="'a/data/0' does not match its checksum"):
        read_values(tmp_path / "a.pt")


def test_files_without_checksums_are_read(tmp_path):
    content = io.BytesIO()
    torch.save({"t": torch.arange(5)}, content)
    raw = bytearray(content.getvalue())
    place = raw.find(b"PK\1\2")
    while place >= 0:
        raw[place + 16 : place + 20] = b"\0" * 4
        place = raw.find(b"PK\1\2", place + 4)
    (tmp_path / "a.pt").write_bytes(bytes(raw))
    assert read_values(tmp_path / "a.pt")["t"].tolist() == [0, 1, 2, 3, 4]


def test_another_byte_order_is_said(tmp_path):
    other = {"little": b"big", "big": b"little"}[sys.byteorder]
    parts = (("data/0", b"\0" * 16), ("byteorder", other))
    with pytest.raises(CheckpointError, match=f"on a {other.decode()}-endian computer"):
        read_values(zipped(tmp_path / "a.pt", pickled_tensor(), parts))


TENSORS = {
    "half": torch.rand(3, 4).half(),
    "brain": torch.rand(5).bfloat16(),
    "double": torch.rand(2).double(),
    "flags": torch.tensor([True, False]),
    "whole": torch.arange(6).reshape(2, 3).int(),
    "bytes": torch.arange(4, dtype=torch.uint8),
    "complex": torch.ones(2, dtype=torch.complex64),
    "scalar": torch.tensor(3.0),
    "empty": torch.zeros(0, 3),
    "turned": torch.rand(3, 4).t(),
    "part": torch.rand(10)[2:7:2],
    "wide": torch.rand(1, 3).expand(4, 3),
    "parameter": torch.nn.Parameter(torch.rand(2)),
    "small": torch.rand(3).to(torch.float8_e4m3fn),
    "unsigned": torch.tensor([1, 2, 65535], dtype=torch.uint16),
}


def raw(tensor):
    return bytes(tensor.reshape(-1).contiguous().view(torch.uint8).numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_of_every_kind_come_back(tmp_path, protocol):
    shared = torch.rand(6)
    values = {**TENSORS, "shared": [shared[:3], shared[3:]]}
    torch.save(values, tmp_path / "a.pt", pickle_protocol=protocol)
    found = read_values(tmp_path / "a.pt")
    for name, tensor in TENSORS.items():
        assert type(found[name]) is torch.Tensor
        assert found[name].dtype is tensor.dtype
        assert found[name].shape == tensor.shape
        assert raw(found[name]) == raw(tensor.detach())
    found["shared"][0].fill_(7)
    assert found["shared"][1].untyped_storage().data_ptr() == (
        found["shared"][0].untyped_storage().data_ptr()
    )


@pytest.fixture
def old(tmp_path):
    """A file of the layout before zips."""
    path = tmp_path / "old.pt"
    values = {"a": torch.arange(300), "b": torch.rand(4).half(), "c": torch.zeros(0)}
    torch.save(values, path, _use_new_zipfile_serialization=False)
    return path


def test_the_layout_before_zips_is_read(old):
    found = read_values(old)
    assert found["a"].tolist() == list(range(300))
    assert (found["b"].dtype, found["c"].shape) == (torch.float16, (0,))


def test_the_layout_before_zips_cut_short_is_damaged(old):
    content = old.read_bytes()
    for kept in (10, 50, 200, 400, 700, len(content) - 1):
        old.write_bytes(content[:kept])
        with pytest.raises(CheckpointError, match="is damaged or not a model file"):
            read_values(old)


def test_a_claim_larger_than_an_old_file_takes_no_memory(tmp_path):
    """The four pickles, the third with a storage of 2**40 numbers, and no numbers after it."""
    head = b"".join(pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001))
    system = pickle.dumps({"little_endian": True, "protocol_version": 1001, "type_sizes": {}}, 2)
    body = pickled_tensor(numel=2**40, size=(2**40,)) + pickle.dumps(["0"], 2)
    (tmp_path / "a.pt").write_bytes(head + system + body)
    with pytest.raises(CheckpointError, match="its tensors are larger than the file"):
        read_values(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((5, 1001), "is a pickle, but not of torch.save"),
        ((0x1950A86A20F9469CFC6C, 7), "an unknown version of torch.save"),
        ((0x1950A86A20F9469CFC6C, 1001, {"little_endian": False}), "big-endian"),
        ((0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, [5]), "list of parts"),
        ((0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, ["0"]), "parts are others"),
    ],
)
def test_rows_of_other_pickles_are_told_apart(tmp_path, values, message):
    (tmp_path / "a.pt").write_bytes(b"".join(pickle.dumps(v, 2) for v in values))
    with pytest.raises(CheckpointError, match=message):
        read_values(tmp_path / "a.pt")
