"""Which tasks a project's labels allow, and what is said of those that they do not."""

from __future__ import annotations

import pytest

from engine.cfg.schema import TASKS
from engine.data.annotations import Box, Keypoints, OrientedBox, Polygon, Tag
from studio.model.edits import AddShapes
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme, scheme_from_dict
from studio.model.project import Project
from studio.model.records import new_shape
from studio.model.tasks import TASK_TITLES, LabelFacts, task_fitness

RING = Polygon(((4.0, 4.0), (30.0, 4.0), (30.0, 30.0)))
GEOMETRIES = {
    "box": Box(1, 2, 30, 40),
    "polygon": RING,
    "oriented_box": OrientedBox(20, 20, 12, 8, 0.4),
    "keypoints": Keypoints(((5.0, 6.0), (9.0, 20.0)), (2, 1)),
    "tag": Tag(),
}


def facts(images: int = 4, tag_classes: int = 0, **kinds: int) -> LabelFacts:
    return LabelFacts(kinds, tag_classes, images)


def fit(labels: LabelFacts) -> set[str]:
    return {task for task, fitness in task_fitness(labels).items() if fitness.is_fit}


def test_every_task_of_the_engine_has_words() -> None:
    assert set(TASK_TITLES) == set(TASKS)
    assert set(task_fitness(facts())) == set(TASKS)


@pytest.mark.parametrize(
    ("labels", "tasks"),
    [
        (facts(), set()),
        (facts(box=3), {"detect", "semseg"}),
        (facts(polygon=3), {"detect", "segment", "semseg", "obb"}),
        (facts(mask=1), {"detect", "segment", "semseg", "obb"}),
        (facts(oriented_box=2), {"detect", "segment", "semseg", "obb"}),
        (facts(keypoints=2), {"detect", "pose"}),
        (facts(tag=4, tag_classes=2), {"classify"}),
        (facts(tag=4, tag_classes=1), set()),
        (facts(images=1, box=3), set()),
    ],
)
def test_what_labels_allow(labels: LabelFacts, tasks: set[str]) -> None:
    assert fit(labels) == tasks


def test_the_reason_says_what_is_missing() -> None:
    found = task_fitness(facts(box=12, polygon=1200, tag=4, tag_classes=1))
    assert found["segment"].words == "1,200 outlines, 12 boxes as rectangles"
    assert found["segment"].labels == 1212
    assert "keypoints" in found["pose"].reason
    assert "two classes" in found["classify"].reason
    assert "two images" in task_fitness(facts(images=1, box=1))["detect"].reason


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        ("box", "detect"),
        ("polygon", "segment"),
        ("oriented_box", "obb"),
        ("keypoints", "pose"),
        ("tag", "classify"),
    ],
)
def test_the_task_follows_the_labels(photo_project: Project, kind: str, task: str) -> None:
    image = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(image, 0, GEOMETRIES[kind]),)))
    assert photo_project.task == task


def test_facts_count_listed_images_only(photo_project: Project) -> None:
    first, second = photo_project.image_ids()[:2]
    photo_project.apply(AddShapes((new_shape(first, 0, Tag()), new_shape(first, 0, RING))))
    photo_project.apply(AddShapes((new_shape(second, 1, Tag()),)))
    assert photo_project.label_facts() == LabelFacts({"tag": 2, "polygon": 1}, 2, 2)
    with photo_project.store.transaction():
        photo_project.store.set_removed([second], True)
    assert photo_project.label_facts() == LabelFacts({"tag": 1, "polygon": 1}, 1, 1)


def test_keypoints_are_described_once(photo_project: Project) -> None:
    assert photo_project.keypoints is None
    scheme = KeypointScheme(3, (0, 2, 1), ("nose", "left", "right"))
    photo_project.describe_keypoints(scheme)
    assert photo_project.keypoints == scheme == scheme_from_dict(scheme.to_dict())
    photo_project.describe_keypoints(None)
    assert photo_project.keypoints is None


@pytest.mark.parametrize("mirrored", [(0, 1), (0, 2, 2), (1, 2, 0), (0, 1, 3)])
def test_a_mirror_that_is_none_is_refused(mirrored: tuple[int, ...]) -> None:
    with pytest.raises(EditError, match="changes places"):
        KeypointScheme(3, mirrored)
