import os

import pytest

from engine.runtime.atomic import atomic_path


def test_the_file_appears_complete(tmp_path):
    path = tmp_path / "new" / "a.onnx"
    with atomic_path(path) as temporary:
        temporary.write_text("all", encoding="utf-8")
        assert temporary.suffix == ".onnx"
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "all"
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        _fill_and_fail(temporary)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        pass


def _fill_and_fail(temporary):
    temporary.write_text("half", encoding="utf-8")
    raise ZeroDivisionError


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
