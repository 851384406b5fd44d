"""Where shapes come from: kept through acceptance, undo, searches and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box
from engine.data.annotations.attribute_names import (
    ACCEPTED_AT,
    ACCEPTED_BY,
    ANNOTATION_MODEL,
    ANNOTATION_SOURCE,
)
from studio.jobs.messages import Predicted, PredictedShape
from studio.jobs.suggestions import SuggestionSink
from studio.model.auto_annotation import AutoAnnotation
from studio.model.edits import AddShapes, RemoveSuggestions, accept
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.provenance import (
    accepted_now,
    accepted_words,
    fingerprint,
    from_file,
    model_words,
    told_attributes,
)
from studio.model.records import ImageFilter, Shape, new_shape
from studio.storage.dataset_export import export_dataset
from studio.storage.dataset_import import import_dataset
from studio.storage.project_files import create_project

MADE = {ANNOTATION_MODEL: "train-3/best.pt 9f2c41d0"}
STAMP = {ACCEPTED_BY: "ann", ACCEPTED_AT: "2026-11-21T22:05:00Z"}


def suggest(project: Project, counts: list[int]) -> list[Shape]:
    """Put so many suggestions on the images, all of them boxes."""
    told = dict(zip(project.image_ids(), counts, strict=False))
    project.set_many_suggestions(
        {
            image: [
                new_shape(image, i % 2, Box(i, i, i + 9, i + 9), "model", 0.5 + i / 100, MADE)
                for i in range(count)
            ]
            for image, count in told.items()
        }
    )
    return [shape for image in told for shape in project.suggestions(image)]


def everything(project: Project) -> dict[int, Any]:
    return {
        i: (project.shapes(i), project.suggestions(i), project.images([i]))
        for i in project.image_ids()
    }


def test_a_model_is_named_by_its_run_and_what_is_in_its_file(tmp_path: Path) -> None:
    weights = tmp_path / "runs" / "train-3" / "weights" / "best.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"a" * 300_000)
    first = model_words(weights)
    assert first == f"train-3/best.pt {fingerprint(weights)}"
    assert len(fingerprint(weights)) == 8
    weights.write_bytes(b"a" * 299_999 + b"b")
    assert model_words(weights) != first
    assert model_words(weights, "sam_b.pt").endswith(", sam_b.pt")
    assert model_words("", "sam_b.pt") == "sam_b.pt"
    assert fingerprint(tmp_path / "missing.pt") == ""


def test_predictions_say_which_model_made_them(photo_project: Project, tmp_path: Path) -> None:
    model = tmp_path / "yolo.pt"
    model.write_bytes(b"weights")
    sink = SuggestionSink(photo_project, AutoAnnotation(str(model), ()))
    image = photo_project.image_ids()[0]
    sink.take(Predicted(1, image, (PredictedShape(0, "bolt", 0.9, Box(1, 2, 30, 40)),)))
    sink.flush()
    found = photo_project.suggestions(image)[0]
    assert found.attributes == {ANNOTATION_MODEL: f"yolo.pt {fingerprint(model)}"}
    assert photo_project.suggestion_rows()[0].model == model_words(model)


def test_an_acceptance_says_who_and_when_and_keeps_the_number(photo_project: Project) -> None:
    ghosts = suggest(photo_project, [2, 1])
    edit = accept(ghosts, "ann")
    photo_project.apply(edit)
    shapes = [s for i in photo_project.image_ids() for s in photo_project.shapes(i)]
    assert [s.id for s in shapes] == [s.id for s in ghosts]
    assert all(s.attributes == {**MADE, **edit.stamp} for s in shapes)
    assert edit.stamp[ACCEPTED_BY] == "ann"
    assert accepted_words(edit.stamp).endswith(" by ann")
    photo_project.undo()
    assert [s for i in photo_project.image_ids() for s in photo_project.suggestions(i)] == ghosts


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.data())
def test_one_undo_takes_any_acceptance_back(
    photo_project: Project, counts: list[int], data: st.DataObject
) -> None:
    project = photo_project
    ghosts = suggest(project, counts)
    chosen = [ghost for ghost in ghosts if data.draw(st.booleans())]
    if not chosen:
        with pytest.raises(EditError, match="no longer there"):
            project.apply(accept(chosen))
        return
    before = everything(project)
    project.apply(accept(chosen))
    after = everything(project)
    assert sum(len(shapes) for shapes, _, _ in after.values()) == sum(
        len(shapes) for shapes, _, _ in before.values()
    ) + len(chosen)
    project.undo()
    assert everything(project) == before
    project.redo()
    assert everything(project) == after
    project.undo()


def test_what_a_new_run_replaced_is_not_accepted_again_in_silence(photo_project: Project) -> None:
    ghosts = suggest(photo_project, [2])
    photo_project.apply(accept(ghosts))
    photo_project.undo()
    suggest(photo_project, [2])
    before = everything(photo_project)
    with pytest.raises(EditError, match="no longer there"):
        photo_project.redo()
    assert everything(photo_project) == before


def test_rejecting_across_images_is_one_step(photo_project: Project) -> None:
    ghosts = suggest(photo_project, [2, 0, 1])
    before = everything(photo_project)
    photo_project.apply(RemoveSuggestions(tuple(ghosts)))
    assert photo_project.suggestion_rows() == []
    photo_project.undo()
    assert everything(photo_project) == before


def test_a_large_acceptance_counts_as_much_work(photo_project: Project) -> None:
    ghosts = suggest(photo_project, [1200])
    photo_project.apply(accept(ghosts))
    assert photo_project.step_size(back=True) == 6000


def test_searches_find_the_model_the_person_and_the_kind(photo_project: Project) -> None:
    project = photo_project
    one, two, three = project.image_ids()[:3]
    ghosts = suggest(project, [1])
    project.apply(accept(ghosts, "ann"))
    box = Box(1, 1, 9, 9)
    project.apply(
        AddShapes((new_shape(two, 0, box), new_shape(three, 0, box, "assisted", attributes={})))
    )
    wanted = {
        ImageFilter(text="train-3/best"): [one],
        ImageFilter(text="9F2C41D0"): [one],
        ImageFilter(text="ann"): [one],
        ImageFilter(sources=frozenset({"model"})): [one],
        ImageFilter(sources=frozenset({"drawn", "assisted"})): [two, three],
        ImageFilter(sources=frozenset({"imported"})): [],
    }
    assert {found: project.image_ids(found) for found in wanted} == wanted


def test_what_files_are_told_comes_back() -> None:
    shape = new_shape(1, 0, Box(0, 0, 5, 5), "model", 0.5, MADE | STAMP)
    told = told_attributes(shape)
    assert told == {**MADE, **STAMP, ANNOTATION_SOURCE: "model"}
    assert from_file(new_shape(1, 0, shape.geometry, "imported", 0.5, told)) == shape
    drawn = new_shape(1, 0, shape.geometry)
    assert told_attributes(drawn) == {}
    strange = new_shape(1, 0, shape.geometry, "imported", None, {ANNOTATION_SOURCE: "a robot"})
    assert from_file(strange) == strange


@pytest.mark.parametrize(
    "format", ["coco", "labelme", "datumaro", "labelstudio", "cvat", "xanylabeling", "csv", "voc"]
)
def test_formats_carry_it_there_and_back(
    photo_project: Project, tmp_path: Path, format: str
) -> None:
    project = photo_project
    ghosts = suggest(project, [1])
    edit = accept(ghosts, "ann")
    project.apply(edit)
    report = export_dataset(project, tmp_path / "out", format)
    assert not any("attributes" in lost for lost in report.lost)
    with create_project(tmp_path / "again", "Again") as again:
        import_dataset(again, report.path)
        (shape,) = (s for i in again.image_ids() for s in again.shapes(i))
        assert shape.source == "model"
        assert shape.attributes == {**MADE, **edit.stamp}
        assert shape.score == pytest.approx(0.5)


def test_times_are_those_of_the_clock() -> None:
    assert accepted_now("ann", 0.0) == {ACCEPTED_BY: "ann", ACCEPTED_AT: "1970-01-01T00:00:00Z"}
    assert accepted_now("", 1.0) == {ACCEPTED_AT: "1970-01-01T00:00:01Z"}
    assert accepted_words({}) == ""
    assert accepted_words({ACCEPTED_AT: "yesterday"}) == "yesterday"


@pytest.mark.parametrize(
    ("format", "said"),
    [("cvat", 'source="auto"'), ("labelstudio", '"origin":"prediction"')],
)
def test_tools_with_words_of_their_own_are_told_in_them(
    photo_project: Project, tmp_path: Path, format: str, said: str
) -> None:
    photo_project.apply(accept(suggest(photo_project, [1]), "ann"))
    report = export_dataset(photo_project, tmp_path / "out", format)
    assert said in report.path.read_text()
    assert ANNOTATION_SOURCE not in report.path.read_text()


def test_label_studio_tells_what_waits_from_what_is_accepted(
    photo_project: Project, tmp_path: Path
) -> None:
    one, two = suggest(photo_project, [2])
    photo_project.apply(accept([one], "ann"))
    report = export_dataset(photo_project, tmp_path / "out", "labelstudio")
    task = next(t for t in json.loads(report.path.read_text()) if t.get("predictions"))
    (annotation,), (prediction,) = task["annotations"], task["predictions"]
    assert [region["score"] for region in annotation["result"]] == [one.score]
    assert [region["score"] for region in prediction["result"]] == [two.score]
    assert prediction["model_version"] == MADE[ANNOTATION_MODEL]
    assert prediction["score"] == two.score
    assert report.annotations == 1
    export_dataset(photo_project, tmp_path / "coco", "coco")
    assert len(photo_project.suggestion_rows()) == 1
