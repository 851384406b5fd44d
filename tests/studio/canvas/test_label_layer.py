"""The still shapes: however they come onto the canvas, they look the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon, Tag
from studio.canvas import label_layer, label_tile
from studio.canvas.draft import draw_draft
from studio.canvas.label_content import Drawable
from studio.canvas.styles import Look, Styles
from studio.canvas.tags import Tags
from studio.model.records import ClassDef, Shape
from studio.tools.scene import Entry
from studio.widgets.thread_pools import shared_pool

CLASSES = (ClassDef(0, "bolt", "#e69f00"), ClassDef(1, "nut", "#56b4e9"))


def blobs(count: int, seed: int = 0) -> list[Shape]:
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    shapes = []
    for number in range(1, count + 1):
        x, y = rng.uniform((15, 15), (385, 285))
        radius = rng.uniform(8, 30)
        points = np.c_[x + radius * np.cos(angles), y + radius * np.sin(angles)].round(1)
        shapes.append(Shape(number, 7, number % 2, Polygon.of(points.tolist()), z=number))
    return shapes


def pixels(image: QImage) -> np.ndarray:
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def difference(first: QImage, second: QImage) -> int:
    """Return the number of pixels that differ visibly."""
    return int((np.abs(pixels(first) - pixels(second)).max(axis=2) > 8).sum())


@pytest.fixture
def in_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every tile be painted by the thread, as with thousands of shapes."""
    monkeypatch.setattr(label_layer, "AT_ONCE", 0)


@pytest.fixture
def reference(new_studio: Callable[..., Any]) -> Callable[..., QImage]:
    """Makes the picture of some shapes on a fresh canvas."""

    def make(shapes: list[Shape], like: Any, hidden: Any = None) -> QImage:
        fresh = new_studio()
        fresh.show()
        fresh.view.set_classes(like.view.labels._classes)
        fresh.view.viewport.set_scale(like.view.zoom)
        fresh.view.viewport.move_origin(*like.view.viewport.origin)
        fresh.view.set_shapes(shapes)
        fresh.settle()
        return fresh.shot()

    return make


def test_thread_and_frame_paint_alike(
    new_studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = []
    for limit in (10**9, 0):
        monkeypatch.setattr(label_layer, "AT_ONCE", limit)
        studio = new_studio()
        studio.show()
        studio.view.set_shapes(blobs(80))
        studio.settle()
        shots.append(studio.shot())
    assert difference(*shots) == 0
    assert len(set(pixels(shots[0]).reshape(-1, 3).sum(axis=1).tolist())) > 50


@pytest.mark.parametrize("limit", [10**9, 0], ids=["at once", "thread"])
def test_an_edit_repaints_as_if_all_were_new(
    limit: int,
    new_studio: Callable[..., Any],
    reference: Callable[..., QImage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_layer, "AT_ONCE", limit)
    studio = new_studio()
    studio.show()
    shapes = blobs(60)
    studio.view.set_shapes(shapes)
    studio.settle()
    moved = [replace(shapes[n], geometry=shapes[n].geometry.translated(25, -10)) for n in (3, 17)]
    recoloured = [replace(shapes[30], class_id=1 - shapes[30].class_id)]
    added = [Shape(900, 7, 1, Box(150, 100, 260, 180), z=900)]
    studio.view.update_shapes([*moved, *recoloured, *added], removed=[shapes[5].id])
    studio.settle()
    now = {s.id: s for s in shapes} | {s.id: s for s in (*moved, *recoloured, *added)}
    del now[shapes[5].id]
    assert difference(studio.shot(), reference(list(now.values()), studio)) == 0


def test_a_changed_shape_shows_at_once_even_before_its_tile(
    in_thread: None, new_studio: Callable[..., Any]
) -> None:
    studio = new_studio()
    studio.show()
    studio.view.set_shapes([])
    studio.settle()
    studio.view.update_shapes([Shape(1, 7, 0, Box(100, 100, 200, 200))])
    assert studio.color(150, 150).name() != "#404040"
    studio.settle()
    settled = studio.color(150, 150)
    assert settled.name() != "#404040"
    assert not studio.view.labels._held


def test_set_shapes_touches_only_what_differs(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = studio.view.scene.shapes()
    asked: list[Any] = []
    monkeypatch.setattr(studio.view.labels.still, "invalidate", lambda boxes: asked.extend(boxes))
    studio.view.set_shapes([replace(shape) for shape in shapes])
    assert asked == []
    studio.view.set_shapes([*shapes[:2], replace(shapes[2], geometry=Box(0, 0, 9, 9))])
    assert asked == [(250, 100, 350, 200), (0, 0, 9, 9)]


def test_while_tiles_are_missing_the_last_view_stands_in(
    in_thread: None, new_studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = new_studio()
    studio.show()
    studio.view.set_shapes([Shape(1, 7, 0, Box(20, 20, 380, 280))])
    studio.settle()
    monkeypatch.setattr(
        studio.view.labels.still, "_pump", lambda: None
    )  # the thread never gets to it
    studio.wheel(200, 150, 240)
    assert not studio.view.is_settled()
    assert studio.color(200, 150).name() != "#404040"


def test_what_stands_in_becomes_smooth_when_the_wheel_rests(
    in_thread: None, new_studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = new_studio()
    studio.show()
    studio.view.set_shapes([Shape(1, 7, 0, OrientedBox(200, 150, 300, 60, 0.3))])
    studio.settle()
    still, clock = studio.view.labels.still, [1000.0]
    monkeypatch.setattr(label_layer.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(still._pool, "start", lambda _: None)  # the thread never gets to it
    studio.wheel(200, 150, 240)
    coarse = studio.shot()
    asked: list[QRect] = []
    still.updated.connect(asked.append)
    clock[0] += 1
    studio.qtbot.waitUntil(lambda: bool(asked), timeout=5000)
    smooth = studio.shot()
    assert asked[0].size() == studio.view.size()
    assert difference(coarse, smooth) > 100


def test_zooming_out_of_a_detail_shows_the_overview(
    in_thread: None, new_studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = new_studio()
    studio.show()
    studio.view.set_shapes([*blobs(40), Shape(90, 7, 0, Box(5, 5, 395, 295))])
    studio.settle()
    studio.qtbot.waitUntil(
        lambda: (o := studio.view.labels.still._overview) is not None and o.is_clean, timeout=10_000
    )
    studio.view.show_rect(200, 150, 210, 155)
    studio.settle()
    monkeypatch.setattr(studio.view.labels.still, "_pump", lambda: None)
    studio.view.fit()
    assert studio.color(12, 290).name() != "#404040"


@pytest.mark.parametrize("limit", [10**9, 0], ids=["at once", "thread"])
def test_panning_shows_what_comes_into_view(
    limit: int,
    new_studio: Callable[..., Any],
    reference: Callable[..., QImage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_layer, "AT_ONCE", limit)
    studio = new_studio()
    studio.show()
    shapes = blobs(60)
    studio.view.set_shapes(shapes)
    studio.wheel(50, 50, 600)
    studio.settle()
    for _ in range(4):
        studio.drag((80, 80), (60, 60), button=Qt.MouseButton.MiddleButton)
    studio.move(390, 290)
    studio.settle()
    studio.view.scene.hovered = None
    studio.view.refresh_preview()
    assert difference(studio.shot(), reference(shapes, studio)) == 0


def test_hidden_classes_are_not_drawn(studio: Any) -> None:
    studio.view.set_classes([CLASSES[0], replace(CLASSES[1], visible=False)])
    studio.settle()
    assert studio.color(300, 150).name() == "#404040"
    assert studio.color(60, 140).name() != "#404040"
    studio.view.set_classes(CLASSES)
    assert studio.color(300, 150).name() != "#404040"


def test_shapes_and_tags_can_be_switched_off(studio: Any) -> None:
    full = studio.shot()
    studio.view.set_tags_visible(False)
    untagged = studio.shot()
    assert difference(full, untagged) > 100
    studio.view.set_shapes_visible(False)
    assert studio.color(300, 150).name() == "#404040"
    studio.view.set_shapes_visible(True)
    studio.view.set_tags_visible(True)
    assert difference(studio.shot(), full) == 0


def test_a_draft_that_nobody_waits_for_is_given_up() -> None:
    asked = 0

    def is_dropped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    style = Styles(CLASSES).style(0)
    drawables = [Drawable(shape.id, Entry(shape), style) for shape in blobs(20)]
    assert draw_draft(QRect(0, 0, 400, 300), 1.0, drawables, 1.0, is_dropped) is None
    assert asked == 4
    assert draw_draft(QRect(0, 0, 400, 300), 1.0, drawables, 1.0, lambda: False) is not None


def test_zooming_does_not_begin_the_first_overview_again(
    new_studio: Callable[..., Any], in_thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = []
    monkeypatch.setattr(label_tile, "draw_draft", lambda *how: drafts.append(draw_draft(*how)))
    go_on = Event()
    shared_pool("labels", 1).start(lambda: go_on.wait(20))
    studio = new_studio()
    studio.view.set_image(QImage(400, 300, QImage.Format.Format_RGB32), 7)
    studio.view.set_shapes(blobs(200))  # before the first frame, as an image is opened
    studio.view.show()
    QTest.qWaitForWindowExposed(studio.view)
    for _ in range(3):
        studio.wheel(200, 150)
        studio.view.repaint()
    go_on.set()
    shared_pool("labels", 1).waitForDone()
    assert len(drafts) == 1
    assert drafts[0] is not None


def test_a_large_selection_is_painted_into_the_still_layer(new_studio: Callable[..., Any]) -> None:
    studio = new_studio()
    studio.show()
    studio.view.set_shapes(blobs(200))
    studio.settle()
    plain = studio.shot()
    studio.view.select_all()
    studio.settle()
    assert studio.view.labels.live.selected == ()
    assert difference(studio.shot(), plain) > 1000
    studio.view.select([])
    studio.settle()
    assert difference(studio.shot(), plain) == 0


def test_every_kind_of_geometry_is_drawn(studio: Any) -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[20:60, 20:60] = 1
    kinds = [
        (Mask.from_array(mask), (40, 40)),
        (OrientedBox(150, 50, 80, 40, 0.5), (150, 50)),
        (Keypoints(((260, 50), (300, 50)), (2, 1)), (260, 50)),
        (Polygon(((20, 150), (90, 150), (50, 230))), (50, 180)),
        (Box(150, 150, 220, 220), (180, 180)),
    ]
    shapes = [Shape(n, 7, 0, geometry, z=n) for n, (geometry, _) in enumerate(kinds, 1)]
    studio.view.set_shapes([*shapes, Shape(99, 7, 0, Tag())])
    studio.move(390, 290)
    studio.settle()
    for geometry, place in kinds:
        assert studio.color(*place).name() != "#404040", geometry.kind


@pytest.mark.parametrize(("side", "written"), [(20, False), (120, True)])
def test_tags_shrink_to_a_dot_on_small_shapes(studio: Any, side: int, written: bool) -> None:
    tags, style = Tags(), Styles(CLASSES).style(0)
    box = Shape(1, 7, 0, Box(100, 100, 100 + side, 100 + side))
    tag = tags.tag_of(box, style, box.geometry.bounds())
    assert bool(tag.text) is written
    assert tag.rect.bottom() <= 100  # outside the shape
    assert tags.tag_of(box, style, box.geometry.bounds(), full=True).text == "bolt"


def test_tags_of_suggestions_have_the_score_and_long_names_are_cut(studio: Any) -> None:
    styles = Styles([ClassDef(0, "n" * 200, "#e69f00")])
    ghost = Shape(1, 7, 0, Box(0, 0, 900, 900), score=0.876)
    tag = Tags().tag_of(ghost, styles.style(0, Look.SUGGESTION), (0, 0, 900, 900))
    assert "…" in tag.text
    assert tag.rect.width() <= 180
    named = Tags().tag_of(ghost, Styles(CLASSES).style(0), (0, 0, 900, 900))
    assert named.text == "bolt 0.88"


def test_outlines_show_on_any_picture() -> None:
    from studio.canvas.items.area import AreaItem
    from studio.tools.scene import Entry

    style = Styles(CLASSES).style(0)
    entry = Entry(Shape(1, 7, 0, Box(20, 20, 80, 80)))
    for ground in (0xFF000000, 0xFFFFFFFF, 0xFFE69F00):
        image = QImage(100, 100, QImage.Format.Format_RGB32)
        image.fill(ground)
        painter = QPainter(image)
        AreaItem(entry).draw(painter, style)
        painter.end()
        edge = [image.pixelColor(x, 50).lightness() for x in range(15, 26)]
        assert max(edge) - min(edge) > 60


def test_view_zoomed_in_deeply_still_draws_the_right_part(studio: Any) -> None:
    studio.view.viewport.set_scale(64.0)
    studio.view.viewport.move_origin(-170 * 64 + 400, -110 * 64 + 300)
    studio.view.update()
    studio.settle()
    assert studio.color(167.3, 110.6).name() != "#404040"
    assert studio.color(173.3, 110.6).name() == "#404040"


def test_leaving_while_the_thread_works_is_harmless(
    in_thread: None, new_studio: Callable[..., Any]
) -> None:
    # A canvas deleted within its own event handler once waited for a thread that waited for it.
    for _ in range(5):
        window = QWidget()
        studio = new_studio(parent=window)
        window.show()
        studio.show()
        studio.view.set_shapes(blobs(300))
        studio.view.repaint()
        studio.view.deleteLater()
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        window.close()
    assert shared_pool("labels", 1).waitForDone(10_000)
