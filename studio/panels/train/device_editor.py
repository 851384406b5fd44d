"""Choosing among the machine's real devices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStyledItemDelegate, QWidget

from engine.runtime.device import DeviceInfo
from studio.language import tr_engine
from studio.widgets.form_fields import Field
from studio.widgets.value_editors import ChoiceEditor


class DeviceEditor(ChoiceEditor):
    """The devices of this computer by name and memory."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self.setItemDelegate(QStyledItemDelegate(self))

    def show_devices(self, devices: Sequence[DeviceInfo]) -> None:
        """Offer these devices, the best first; those that cannot be used say why."""
        chosen = self.raw()
        self.clear()
        for device in devices:
            reason = f" ({tr_engine(device.unavailable)})" if device.unavailable else ""
            self.addItem(device.label + reason, device.id)
            self.setItemData(self.count() - 1, device.label + reason, Qt.ItemDataRole.ToolTipRole)
            if device.unavailable:
                self.forbid_last()
        self.show_value(chosen if chosen is not None else best_device(devices))


def best_device(devices: Sequence[DeviceInfo]) -> str | None:
    """Return the argument for the first device that can be used."""
    return next((device.id for device in devices if not device.unavailable), None)
