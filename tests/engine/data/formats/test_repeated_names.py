"""Points of one class that are called the same: told apart in a CVAT file, the same again when it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import Annotation, Keypoints
from engine.data.annotations.attribute_names import TRACK_ID
from engine.data.formats import ClassInfo, read, write
from engine.data.formats.repeated_names import as_given, told_apart

NAMES = st.builds(
    "".join, st.tuples(st.sampled_from("ab"), st.sampled_from(["", " #1", " #2", " #2 #1"]))
)


@given(st.lists(NAMES, max_size=7))
def test_names_told_apart_become_the_given_ones_again(names):
    apart = told_apart(names)
    assert len(set(apart)) == len(names)
    assert as_given(apart) == names


def test_names_that_do_not_repeat_are_not_touched():
    names = ["point #1", "point #2", "leg"]
    assert told_apart(names) == as_given(names) == names


@pytest.mark.parametrize("is_video", [False, True])
@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("eye", "eye", "nose"), None),
        (("eye", "eye", "eye #2"), None),
        (("", "", "1"), ("2", "3", "1")),
        ((" a", "a", "a"), ("a", "a", "a")),
    ],
)
def test_cvat_keeps_points_of_one_name(dataset_of, tmp_path, names, kept, is_video):
    drawn = Keypoints(((1.0, 1.0), (4.0, 3.0), (9.0, 5.0)), (2, 1, 2))
    dataset = dataset_of(
        Annotation(drawn, 0, None, {TRACK_ID: 3} if is_video else {}),
        classes={0: ClassInfo(keypoints=names)},
    )
    back = read(write(dataset, tmp_path, "cvat", video=is_video).path, "cvat")
    assert back.classes[0].keypoints == (kept or names)
    assert [a.geometry for image in back.images for a in image.annotations] == [drawn]


def test_points_of_one_name_in_a_file_keep_their_places(lay):
    """Earlier versions of ours wrote them so."""
    head = "".join(
        f"<label><name>{name}</name><type>points</type><parent>man</parent></label>"
        for name in ("eye", "nose", "eye")
    )
    points = "".join(
        f'<points label="{name}" outside="0" occluded="0" points="{place},2"></points>'
        for place, name in enumerate(("eye", "nose", "eye"), start=1)
    )
    text = (
        f"<annotations><meta><task><labels>{head}</labels></task></meta>"
        f'<image id="0" name="a.png"><skeleton label="man">{points}</skeleton></image></annotations>'
    )
    dataset = read(lay({"a.png": "", "x.xml": text}) / "x.xml")
    (found,) = dataset.images[0].annotations
    assert found.geometry == Keypoints(((1, 2), (2, 2), (3, 2)), (2, 2, 2))
    assert dataset.classes[0].keypoints == ("eye", "nose", "eye")
