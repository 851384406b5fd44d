import collections
import pickle
import struct
import types

import pytest

from engine.nn import pickle_reader
from engine.nn.inert import Inert
from engine.nn.pickle_error import PickleError
from engine.nn.pickle_reader import PickleReader

PLAIN = {
    "numbers": [0, 1, 255, 256, 70_000, -3, 2**40, -(2**62), 1.5, float("inf")],
    "words": ["", "a", "größer", "x" * 300, b"", b"abc", b"y" * 300],
    "constants": (None, True, False, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    "sets": {1, 2},
    "ordered": collections.OrderedDict(a=1, b=[2]),
    5: {"nested": {"deep": [[[[]]]]}},
    (1, "a"): complex(1, 2),
}


def read(pickled, **more):
    return PickleReader(pickled, **more).read()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_of_every_protocol_come_back(protocol):
    assert read(pickle.dumps(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_shared_and_recursive_lists_stay_so(protocol):
    inner = [1]
    loop = [inner, inner]
    loop.append(loop)
    found = read(pickle.dumps(loop, protocol))
    assert found[0] is found[1]
    assert found[2] is found


def test_several_pickles_in_a_row_are_read_one_by_one():
    content = pickle.dumps(1) + pickle.dumps("two")
    reader = PickleReader(content)
    assert reader.read() == 1
    assert PickleReader(content, position=reader.position).read() == "two"


def _named(module, name, base=object):
    return type(name, (base,), {"__module__": module})


@pytest.fixture
def elsewhere(monkeypatch):
    """A class of a module that is only there while the pickle is written."""
    module = types.ModuleType("ultralytics.nn.tasks")
    module.DetectionModel = _named("ultralytics.nn.tasks", "DetectionModel")
    module.helper = lambda: None
    module.helper.__module__, module.helper.__qualname__ = "ultralytics.nn.tasks", "helper"
    for name in ("ultralytics", "ultralytics.nn"):
        monkeypatch.setitem(__import__("sys").modules, name, types.ModuleType(name))
    monkeypatch.setitem(__import__("sys").modules, "ultralytics.nn.tasks", module)
    return module


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_objects_of_known_classes_become_inert(elsewhere, protocol):
    made = elsewhere.DetectionModel()
    made.yaml = {"nc": 3}
    found = read(pickle.dumps([made, elsewhere.DetectionModel, elsewhere.helper], protocol))
    assert [type(v) for v in found] == [Inert] * 3
    assert found[0].origin == "ultralytics.nn.tasks.DetectionModel"
    assert (found[0].kind, found[0].state) == ("DetectionModel", {"yaml": {"nc": 3}})
    assert found[2].kind == "helper"


def test_bound_methods_of_inert_objects_are_inert():
    # what a module with a replaced forward has: getattr(module, "forward_fuse")
    pickled = b"c__builtin__\ngetattr\n(cultralytics.nn.modules.conv\nConv\n)\x81Vforward_fuse\ntR."
    assert read(pickled).kind == "forward_fuse"


@pytest.mark.parametrize(
    ("pickled", "name"),
    [
        (b"cos\nsystem\n(Vtouch x\ntR.", "os.system"),
        (b"(Vtouch x\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nVtouch x\no.", "os.system"),
        (b"cos\nsystem\n)\x81.", "os.system"),
        (b"cos\nsystem\n)}\x92.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
        # the same name through the memo, and put together of swapped entries
        (b"\x80\x04\x8c\x06system\x94\x8c\x05posix\x940h\x01h\x00\x93.", "posix.system"),
        (b"c__builtin__\neval\n(V1\ntR.", "builtins.eval"),
        (b"c__builtin__\ngetattr\n(Vtext\nVupper\ntR.", "builtins.getattr"),
        (b"cultralytics.utils.downloads\nsafe_download\n(Vx\ntR.", "downloads.safe_download"),
        (b"ctorch.nn.modules\nos.system\n(Vx\ntR.", "torch.nn.modules.os.system"),
        (b"ctorch\nload\n(Vx\ntR.", "torch.load"),
        (b"ctorch.hub\nload\n.", "torch.hub.load"),
        (b"cfunctools\npartial\n.", "functools.partial"),
        (b"cdill._dill\n_create_function\n.", "dill._dill._create_function"),
        (b"cnumpy\nload\n(Vx\ntR.", "numpy.load"),
        (b"cnumpy.f2py.crackfortran\ngetlincoef\n.", "crackfortran.getlincoef"),
        (b"ccopyreg\n__newobj__\n.", "copyreg.__newobj__"),
        (b"coperator\nattrgetter\n.", "operator.attrgetter"),
        (b"ctorch.storage\n_load_from_bytes\n(Bx\ntR.", "_load_from_bytes"),
        (b"ctorch.jit._script\nunpackage_script_module\n.", "unpackage_script_module"),
        (b"\x82\x01.", "EXT1"),
        (b"\x83\x01\x00.", "EXT2"),
        (b"\x84\x01\x00\x00\x00.", "EXT4"),
        # behind damage, too
        (b"cos\nsystem\n(Vx\ntR\xff", "os.system"),
        # in a key, an argument of a known class, and the state of one
        (b"}cos\nsystem\nK\x01s.", "os.system"),
        (b"ctorch\nSize\n((cos\nsystem\nttR.", "os.system"),
        (b"cultralytics.nn.tasks\nDetectionModel\n)\x81}Va\ncos\nsystem\nsb.", "os.system"),
    ],
)
def test_names_that_no_model_needs_are_noted_and_nothing_is_run(pickled, name):
    reader = PickleReader(pickled)
    try:
        value = reader.read()
    except PickleError:
        value = None
    assert not callable(value)
    assert len(reader.refused) == 1
    assert reader.refused.pop().endswith((name, f"({name})"))


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"", "ends too early"),
        (b"K", "it is damaged"),
        (b"K\x01", "ends too early"),
        (b".", "it is damaged"),
        (b"\xff.", "instruction 0xff at byte 0"),
        (b"\x80\x09.", "newer protocol"),
        (b"X\xff\xff\xff\xffabc.", "ends too early"),
        (b"\x8e" + struct.pack("<Q", 2**60) + b"x.", "ends too early"),
        (b"T" + struct.pack("<i", -5) + b"x.", "ends too early"),
        (b"\x8b" + struct.pack("<i", 1000) + b"\x01" * 1000 + b".", "too many digits"),
        (b"L" + b"9" * 5000 + b"L\n.", "too many digits"),
        (b"I1.5\n.", "invalid literal"),
        (b"h\x07.", "it is damaged"),
        (b"j\xff\xff\xff\x7f.", "it is damaged"),
        (b"e.", "it is damaged"),
        (b"(K\x01e.", "it is damaged"),
        (b"K\x01K\x02a.", "fills something that is no list"),
        (b"]K\x01K\x02s.", "fills something that is no dictionary"),
        (b"](K\x01\x90.", "fills something that is no set"),
        (b"K\x01)R.", "calls something that is no class"),
        (b"ctorch\nSize\nK\x01R.", "calls something that is no class"),
        (b"ctorch\nSize\n((K\x01J\xff\xff\xff\xffttR.", "expected sizes"),
        (b"K\x01}b.", "sets attributes of a int"),
        # of a class itself: that would change it for everybody who comes later
        (b"ctorch\nSize\n}Va\nK\x01sb.", "sets attributes of a Named"),
        (b"ctorch.nn.modules.conv\nConv2d\n}Va\nK\x01sb.", "sets attributes of a Named"),
        (b"}]K\x01s.", "a list cannot be a key"),
        (b"}K\x01\x85\x85K\x01s.", "a tuple cannot be a key"),
        (b"(]\x91.", "a list cannot be a key"),
        (b"\x80\x02K\x01Q.", "asks for parts that are not there"),
        (b"Pabc\n.", "instruction 0x50"),
        (b"\x97.", "instruction 0x97"),
        (b"Sabc\n.", "without quotes"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "expected bytes as latin1"),
        (b"ccollections\nOrderedDict\n(K\x01tR.", "not iterable"),
        (b"cnumpy\ndtype\n(VO8\ntR.", "expected a NumPy type of numbers"),
        (b"cnumpy\ndtype\n(Vf99\ntR.", "f99"),
        (b"cnumpy.core.multiarray\nscalar\n(K\x01K\x02tR.", "expected a NumPy number"),
    ],
)
def test_damage_is_said(pickled, message):
    with pytest.raises(PickleError, match=message):
        read(pickled)


def test_hashing_a_deep_key_cannot_end_the_process():
    pickled = b"}" + b")" + b"\x85" * 200_000 + b"K\x01s."
    with pytest.raises(PickleError, match="a tuple cannot be a key"):
        read(pickled)


def test_too_many_instructions_are_refused(monkeypatch):
    monkeypatch.setattr(pickle_reader, "MOST_INSTRUCTIONS", 100)
    with pytest.raises(PickleError, match="too many values for a model"):
        read(b"]" + b"]a" * 100 + b".")


def test_numpy_values_are_read():
    np = pytest.importorskip("numpy")
    values = {
        "number": np.float64(1.5),
        "array": np.arange(6, dtype=">i4").reshape(2, 3),
        "columns": np.asfortranarray(np.eye(3, dtype=np.float32)),
        "type": np.dtype("int16"),
        "flag": np.bool_(True),
    }
    for protocol in range(pickle.HIGHEST_PROTOCOL):
        found = read(pickle.dumps(values, protocol))
        assert found["number"] == 1.5
        assert found["flag"] is True
        assert found["type"] == "<i2"
        np.testing.assert_array_equal(found["array"], values["array"])
        np.testing.assert_array_equal(found["columns"], values["columns"])
