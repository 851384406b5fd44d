"""The scene: what is where, selection, snapping."""

from __future__ import annotations

import random

import pytest

from engine.data.annotations import Box, Geometry, Keypoints, Polygon, Tag
from studio.model.edits.classes import NEW
from studio.model.records import Shape
from studio.tools.bounds_index import BoundsIndex
from studio.tools.scene import Scene
from studio.tools.snapping import Snap, find_snap


def shape(shape_id: int, geometry: Geometry, z: int = 0) -> Shape:
    return Shape(shape_id, 7, 0, geometry, z=z)


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


def test_index_agrees_with_a_plain_search() -> None:
    rng = random.Random(1)
    index, boxes = BoundsIndex(), {}
    for item in range(300):
        x, y = rng.uniform(0, 100), rng.uniform(0, 100)
        boxes[item] = (x, y, x + rng.uniform(0, 9), y + rng.uniform(0, 9))
        index.put(item, boxes[item], order=-item)
    for item in range(0, 300, 3):
        index.remove(item)
        del boxes[item]
    index.put(1, (50, 50, 60, 60), order=5)
    boxes[1] = (50, 50, 60, 60)
    index.remove(999)
    rect = (40.0, 40.0, 55.0, 55.0)
    expected = [
        i for i, b in boxes.items() if b[0] <= 55 and b[2] >= 40 and b[1] <= 55 and b[3] >= 40
    ]
    assert index.touching(*rect) == sorted(expected, key=lambda i: 5 if i == 1 else -i)
    assert len(index) == len(boxes)
    assert set(index.ids()) == set(boxes)


def test_index_reuses_places_after_removals() -> None:
    index = BoundsIndex()
    for item in range(100):
        index.put(item, (0, 0, 1, 1))
        index.remove(item)
    index.put(7, (0, 0, 1, 1))
    assert index.touching(0, 0, 1, 1) == [7]


def test_small_shape_wins_over_the_large_one_around_it(scene: Scene) -> None:
    assert [s.id for s in scene.shapes_at(110, 110)] == [2, 1]
    assert [s.id for s in scene.shapes_at(60, 60)] == [1]
    assert scene.shapes_at(10, 10) == []


def test_of_two_equal_shapes_the_front_one_wins(scene: Scene) -> None:
    scene.set_shapes([shape(1, square(0, 0, 50), z=1), shape(2, square(0, 0, 50), z=2)])
    assert [s.id for s in scene.shapes_at(20, 20)] == [2, 1]


def test_inside_wins_over_near(scene: Scene) -> None:
    scene.set_shapes([shape(1, square(0, 0, 100)), shape(2, square(103, 0, 20))])
    assert [s.id for s in scene.shapes_at(99, 10, tolerance=6)] == [1, 2]
    assert [s.id for s in scene.shapes_at(102, 10, tolerance=6)] == [2, 1]


def test_keypoints_are_hit_near_a_point_and_tags_never(scene: Scene) -> None:
    scene.set_shapes([shape(1, Keypoints(((20, 20), (80, 80)), (2, 2))), shape(2, Tag())])
    assert [s.id for s in scene.shapes_at(82, 80, tolerance=5)] == [1]
    assert scene.shapes_at(50, 50, tolerance=5) == []
    assert [s.id for s in scene.shapes_touching((0, 0, 30, 30))] == [1]
    assert scene.shapes_touching((30, 30, 60, 60)) == []


def test_hidden_classes_are_neither_hit_nor_selected(scene: Scene) -> None:
    scene.select([1, 3])
    scene.set_hidden_classes([1])
    assert scene.selection == (1,)
    assert scene.shapes_at(300, 150) == []
    scene.select([3])
    assert scene.selection == ()
    assert len(scene) == 3


def test_selection_survives_an_update_but_not_a_removal(scene: Scene) -> None:
    scene.select([2, 1, 2, 99])
    assert scene.selection == (2, 1)
    scene.hovered = 2
    scene.update([shape(1, Box(0, 0, 9, 9))], removed=[2])
    assert scene.selection == (1,)
    assert scene.hovered is None
    assert scene.selected()[0].geometry == Box(0, 0, 9, 9)
    assert scene.shape(2) is None
    assert scene.entry(2) is None


def test_another_image_empties_everything(scene: Scene) -> None:
    scene.select([1])
    scene.set_image(8, (10, 20))
    assert (scene.selection, len(scene), scene.size_wh, scene.image_id) == ((), 0, (10, 20), 8)


@pytest.mark.parametrize(
    ("at", "place", "snapped"),
    [
        ((252, 103), (250, 100), True),  # a corner of the box
        ((252, 150), (250, 150), True),  # an edge of it
        ((220.26, 20.24), (220.3, 20.2), False),  # only to a tenth
        ((2, 150), (0, 150), True),  # the border of the image
        ((399, 298.5), (400, 300), True),
        ((5.5, 150), (5.5, 150), False),
    ],
)
def test_snap(
    scene: Scene, at: tuple[float, float], place: tuple[float, float], snapped: bool
) -> None:
    snap = find_snap(scene, *at, 6.0)
    assert (snap.point, snap.kind != "free") == (place, snapped)


def test_snap_can_leave_out_a_shape_and_be_off(scene: Scene) -> None:
    assert find_snap(scene, 252, 103, 6.0, ignore=[3]) == Snap((252, 103))
    scene.snapping = False
    assert find_snap(scene, 252, 103, 6.0) == Snap((252, 103))


def test_a_project_without_classes_gives_new_shapes_the_class_to_be_made() -> None:
    assert Scene().class_id == NEW


def test_clamp(scene: Scene) -> None:
    assert scene.clamp(-5, 900) == (0, 300)


def test_outweighs_counts_vertices(scene: Scene) -> None:
    assert scene.outweighs(11)
    assert not scene.outweighs(12)  # two squares and a box


def test_counting_up_to_a_limit_agrees_with_the_list() -> None:
    scene = Scene()
    scene.set_image(1, (100, 100))
    shapes = [Shape(n, 1, n % 3, Box(n, n, n + 5, n + 5), hidden=n % 7 == 0) for n in range(1, 60)]
    scene.set_shapes(shapes)
    scene.set_hidden_classes([2])
    rect = (10.0, 10.0, 40.0, 40.0)
    count = len(scene.entries_touching(rect))
    assert 10 < count < 30
    assert [scene.has_more_touching(rect, count + n) for n in (-9, -1, 0, 1)] == [
        True,
        True,
        False,
        False,
    ]
    assert not scene.has_more_touching((90.0, 0.0, 99.0, 5.0), 0)
