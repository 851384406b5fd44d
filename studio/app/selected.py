"""What actions do to the selected shapes: locked ones are left as they are, and that is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from engine.runtime.errors import EngineError
from studio.model.edits import Edit
from studio.model.locks import locked_text, unlocked
from studio.model.records import Shape, ShapeRow

if TYPE_CHECKING:
    from studio.app.session import Session

Chosen = TypeVar("Chosen", Shape, ShapeRow)


def change(
    session: Session,
    shapes: Sequence[Chosen],
    build: Callable[[list[Chosen]], Edit | None],
    otherwise: str = "",
    tells: bool = False,
) -> Edit | None:
    """Apply an edit of those of the shapes that are not locked, and say how many stay as they are.

    Args:
        session: The open project.
        shapes: What the person means.
        build: Returns the edit of the free ones, None where it would change nothing; not called without any. What it
            refuses is shown.
        otherwise: What to say where it would change nothing.
        tells: Whether to say what was done, where the picture does not show it.

    Returns:
        The edit as it was applied, None without one.
    """
    free, left = unlocked(shapes), locked_text(shapes)
    bound, said = None, ""
    if free:
        try:
            edit = build(free)
        except EngineError as error:
            session.studio.show_error(error)
            return None
        bound = session.apply(edit) if edit is not None else None
        if edit is None:
            said = otherwise
        elif bound is None:  # the disk refused it, which is shown
            return None
        elif tells:
            said = f"{bound.title()} ·" if left else bound.title()
    if text := " ".join(filter(None, (said, left))):
        session.say(text)
    return bound
