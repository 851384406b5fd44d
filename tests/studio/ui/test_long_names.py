"""Classes with long names beside the canvas: what is cut says so, and what tells rows apart stays."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox, QStyleOptionViewItem

from studio.model.edits import ChangeClass
from tests.studio.ui.conftest import Hands

LONG = "hexagonal head bolt with a really very long name"


def test_long_names_end_in_an_ellipsis(labelled: Hands) -> None:
    hands = labelled
    bolt, _ = hands.session.project.classes()
    hands.session.apply(ChangeClass(replace(bolt, name=LONG)))
    hands.click(70, 70)
    box = hands.session.annotate.properties.class_box
    hands.wait(lambda: box.isVisible() and box.currentText() == LONG)
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    field = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box)
    room = field.width() - box.iconSize().width()
    assert box.shown_text().endswith("…")
    assert box.fontMetrics().horizontalAdvance(box.shown_text()) < room
    assert LONG in box.toolTip()
    texts = []
    for row in range(2):
        list_ = hands.session.annotate.objects.list
        index = list_.model().index(row, 0)
        option = QStyleOptionViewItem()
        list_.initViewItemOption(option)
        option.rect = list_.visualRect(index)
        list_.itemDelegate().initStyleOption(option, index)
        texts.append(option.text)
        assert QFontMetrics(option.font).horizontalAdvance(option.text) < option.rect.width() - 20
    assert texts[0].startswith("hexa")
    assert texts[0].endswith("…  #1  polygon")
    assert texts[1] == "nut  #2  polygon"
