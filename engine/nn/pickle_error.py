"""The error of the pickle reader, apart from it so that its instructions can raise it too."""

from __future__ import annotations


class PickleError(Exception):
    """A pickle that is damaged, or that is no pickle of plain values; says why."""
