"""What pictures of the window have shown to be ugly once: squeezed rows, controls out of sight, buttons out of line."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from engine.data.annotations import Keypoints, Polygon
from studio.canvas.label_content import Source, gather
from studio.canvas.styles import Look, Styles
from studio.canvas.tags import Tags
from studio.dialogs.shortcuts import ShortcutsDialog
from studio.model.attribute_def import AttributeDef
from studio.model.edits import ChangeClass
from studio.model.records import ClassDef, Shape
from studio.tools.scene import Scene
from tests.studio.ui.conftest import Hands

NARROW = (1100, 700)  # the smallest window that is promised


def test_rows_of_properties_keep_their_height_when_a_class_asks_for_attributes(
    labelled: Hands,
) -> None:
    hands, project = labelled, labelled.session.project
    asked = (AttributeDef("finish", "choice", ("zinc", "black")), AttributeDef("length", "number"))
    project.apply(ChangeClass(replace(project.classes()[0], attributes=asked)))
    first = min(hands.shapes(), key=lambda shape: shape.id)
    hands.session.workspace.select([first.id])
    panel = hands.session.annotate.properties
    hands.wait(lambda: panel.attributes)
    labels = [label for label in panel.lines.values() if label.isVisible()]
    assert labels
    for _ in range(
        3
    ):  # what is wrong for longer than a moment stays so until something else happens
        QTest.qWait(20)
    assert all(label.height() >= label.sizeHint().height() for label in labels)


def test_a_narrow_window_cuts_no_filter_off(labelled: Hands) -> None:
    labelled.studio.window.resize(*NARROW)
    labelled.settle()
    bar = labelled.session.annotate.filmstrip.filter
    controls = (bar.status_box, bar.class_box, bar.more_button, bar.order_box, bar.search)
    rights = [control.geometry().right() for control in controls]
    lefts = [control.geometry().left() for control in controls]
    assert all(right < left for right, left in zip(rights, lefts[1:], strict=False))
    assert rights[-1] <= bar.width()


def test_every_button_of_the_shortcuts_is_in_sight(labelled: Hands) -> None:
    labelled.studio.actions["help.shortcuts"].trigger()
    (dialog,) = labelled.studio.window.findChildren(ShortcutsDialog)
    QTest.qWaitForWindowExposed(dialog)
    area = dialog.findChild(QScrollArea)
    assert area is not None
    content = area.widget()
    assert content is not None
    assert content.width() <= area.viewport().width()
    dialog.close()


def test_points_have_no_second_dot_and_skeletons_none_in_the_air(qapp: QApplication) -> None:
    scene = Scene()
    small = Polygon(((10, 10), (14, 10), (14, 14)))
    points = Keypoints(((40, 40),), (2,)), Keypoints(((60, 60), (64, 70)), (2, 2))
    scene.set_shapes([Shape(n, 1, 0, g, z=n) for n, g in enumerate((small, *points), start=1)])
    styles = Styles((ClassDef(0, "bolt", "#e69f00"),))
    source = Source("shape", scene, lambda _id: Look.NORMAL)
    tags = Tags()
    found = gather([source], QRectF(0, 0, 200, 200), 1.0, styles, tags.reach()).tags(tags)
    assert [tag.rect.bottomRight().toTuple() for tag in found] == [(10.0, 10.0)]


def test_switches_of_a_tool_stand_in_line_with_the_class(labelled: Hands) -> None:
    bar, chip = labelled.session.annotate.options, labelled.session.annotate.chip
    switch = bar.controls["snapping"]
    assert switch.isVisible()
    assert abs(switch.geometry().center().y() - chip.geometry().center().y()) <= 1
    assert bar.rect().contains(switch.geometry())
