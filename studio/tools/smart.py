"""The smart tool: point at an object and a segmenter outlines it.

A click adds what lies there, a click with Alt or the right button excludes it, a drag gives a box. Where the segmenter
is quick, the outline shows under the cursor before the first click. Enter takes the outline, Tab goes to the next one
that may be meant, Backspace takes the last click back, Escape all of them.
"""

from __future__ import annotations

from dataclasses import replace
from math import dist
from typing import Any

from engine.data.annotations import Geometry, Mask, Point, Polygon
from engine.data.annotations.attribute_names import ANNOTATION_MODEL, GROUP_ID
from studio.language import ntr, tr
from studio.model.edits import AddShapes, Edit, ReplaceShapes
from studio.model.geometry_ops.outlines import outlined
from studio.model.records import Shape, moved_to, new_shape
from studio.tools.base import Key, Notice, Pointer, Preview, PromptMark, rounded
from studio.tools.mask_tool import is_paintable
from studio.tools.prompting import Answer, Candidate, Prompts, Readiness
from studio.tools.scene import Scene

_DRAG_TOLERANCES = 0.75  # how far a press moves before it is a box


class SmartTool:
    """Prompts go to ``scene.prompter``; what it answers is drawn as it would be kept."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.notice = Notice()
        self._prompts = Prompts()
        self._order: list[str] = []  # what Backspace takes back, the newest last
        self._target: Shape | None = None  # the shape that is refined
        self._at: Point | None = None
        self._pressed: tuple[Point, bool] | None = None
        self._band: tuple[Point, Point] | None = None
        self._choice = 0
        self._spent: Answer | None = None  # what was accepted is not shown once more
        self._outlined: tuple[object, tuple[Geometry, ...]] | None = None

    # -- events

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; only a double click finishes, as Enter does."""
        if event.kind == "leave":
            self._at = None
            return None
        self._at = event.x, event.y
        if event.kind == "double" and self._prompts and not event.alt:
            return self._accept()
        if event.kind in ("press", "double"):
            self._press(event)
        elif event.kind == "move":
            self._move(event)
        elif event.kind == "release" and self._pressed is not None:
            self._release(event)
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter accepts, Tab goes to the next candidate, Backspace takes a prompt back, Escape all."""
        if event.name == "enter":
            return self._accept()
        if event.name == "tab":
            self._choice += -1 if event.shift else 1
        elif event.name == "backspace":
            self._take_back()
        elif event.name == "escape":
            self.cancel()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now."""
        if event.name == "tab":
            return len(self._candidates()) > 1
        if event.name == "enter":
            return bool(self._candidates())
        return event.name in ("escape", "backspace") and bool(self._prompts or self._pressed)

    def cancel(self) -> None:
        """Forget all prompts."""
        self._prompts, self._order, self._target = Prompts(), [], None
        self._pressed = self._band = self._outlined = None
        self._choice = 0

    def preview(self) -> Preview:
        """Return the outline as it would be kept, and where the prompts are."""
        class_id = self.scene.class_id if self._target is None else self._target.class_id
        shapes = tuple(
            new_shape(self.scene.image_id, class_id, geometry) for geometry in self._geometries()
        )
        if self._target is not None and len(shapes) == 1:
            shapes = (moved_to(self._target, shapes[0].geometry),)
        hidden = (self._target.id,) if self._target is not None and shapes else ()
        band = None
        if self._band is not None:
            (x1, y1), (x2, y2) = self._band
            band = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
        return Preview(
            shapes=shapes,
            hidden=hidden,
            band=band or self._prompts.box,
            marks=(
                *(PromptMark(*place, True) for place in self._prompts.added),
                *(PromptMark(*place, False) for place in self._prompts.excluded),
            ),
            crosshair=self._at,
            label=self._words(),
            class_id=class_id,
            cursor="cross",
        )

    # -- prompts

    def _press(self, event: Pointer) -> None:
        width, height = self.scene.size_wh
        if self._refused():
            return
        if not (0 <= event.x <= width and 0 <= event.y <= height):
            self.notice.text = tr("Click on the picture.")
            return
        self._pressed = (event.x, event.y), not event.alt

    def _move(self, event: Pointer) -> None:
        if self._pressed is not None:
            start, _ = self._pressed
            if self._band or dist(start, (event.x, event.y)) > event.tolerance * _DRAG_TOLERANCES:
                self._band = start, self.scene.clamp(event.x, event.y)
        elif not self._prompts and self._may_hover(event):
            self.scene.prompter.ask(Prompts(added=((rounded(event.x), rounded(event.y)),)))

    def _release(self, event: Pointer) -> None:
        pressed, band = self._pressed, self._band
        self._pressed = self._band = None
        if pressed is None:
            return
        if not self._prompts:
            self._target = self._refined()
            base = self._target.geometry if self._target is not None else None
            self._prompts = Prompts(base=base)
        place, adds = pressed
        if band is not None:
            (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(*band, strict=True))
            if x2 - x1 < 1 or y2 - y1 < 1:
                self.notice.text = tr("The box is smaller than one pixel of the image.")
                return
            box = rounded(x1), rounded(y1), rounded(x2), rounded(y2)
            self._prompts = replace(self._prompts, box=box)
            self._note("box")
        else:
            spot = rounded(place[0]), rounded(place[1])
            before = self._prompts
            if adds:
                self._prompts = replace(before, added=(*before.added, spot))
            else:
                self._prompts = replace(before, excluded=(*before.excluded, spot))
            self._note("added" if adds else "excluded")
        self._ask()

    def _note(self, name: str) -> None:
        if name == "box" and name in self._order:
            self._order.remove(name)
        self._order.append(name)

    def _take_back(self) -> None:
        if len(self._order) < 2:
            self.cancel()
            return
        before, name = self._prompts, self._order.pop()
        if name == "box":
            self._prompts = replace(before, box=None)
        elif name == "added":
            self._prompts = replace(before, added=before.added[:-1])
        else:
            self._prompts = replace(before, excluded=before.excluded[:-1])
        self._ask()

    def _ask(self) -> None:
        self._choice = 0
        self.scene.prompter.ask(self._prompts)

    def _refined(self) -> Shape | None:
        """Return the one selected shape with an area: the prompts then change it."""
        selected = self.scene.changeable()
        return selected[0] if len(selected) == 1 and is_paintable(selected[0].geometry) else None

    def _may_hover(self, event: Pointer) -> bool:
        prompter = self.scene.prompter
        width, height = self.scene.size_wh
        return (
            self.scene.options.hover
            and prompter.readiness is Readiness.READY
            and prompter.is_quick
            and 0 <= event.x <= width
            and 0 <= event.y <= height
        )

    def _refused(self) -> bool:
        prompter = self.scene.prompter
        if prompter.readiness is Readiness.FAILED:
            self.notice.text = prompter.reason
            prompter.retry()
        elif prompter.readiness is Readiness.OFF:
            self.notice.text = tr("No segmenter is there for this picture.")
        return prompter.readiness in (Readiness.FAILED, Readiness.OFF)

    # -- answers

    def _answer(self) -> Answer | None:
        answer = self.scene.prompter.answer()
        if answer is None or (self._at is None and not self._prompts):
            return None
        if self._prompts:
            return answer if answer.prompts.shares_with(self._prompts) else None
        return answer if self.scene.options.hover and self._lies_under(answer) else None

    def _lies_under(self, answer: Answer) -> bool:
        """Tell whether an answer to the cursor still fits: the cursor is within its mask."""
        if self._at is None or answer is self._spent or not answer.candidates:
            return False
        x1, y1, x2, y2 = answer.candidates[0].mask.bounds()
        return x1 <= self._at[0] <= x2 and y1 <= self._at[1] <= y2

    def _candidates(self) -> tuple[Candidate, ...]:
        """Return what can be accepted: the answer to just these prompts."""
        answer = self._answer() if self._prompts else None
        if answer is None or answer.prompts != self._prompts:
            return ()
        return answer.candidates

    def _geometries(self) -> tuple[Geometry, ...]:
        answer = self._answer()
        if answer is None or not answer.candidates:
            return ()
        options = self.scene.options
        candidate = answer.candidates[self._choice % len(answer.candidates)]
        key = candidate.mask, options.as_mask, options.outline_tolerance, self._target
        if self._outlined is None or self._outlined[0] != key:
            self._outlined = key, self._kept(candidate.mask)
        return self._outlined[1]

    def _kept(self, mask: Mask) -> tuple[Geometry, ...]:
        """Return what of a mask is kept: its outlines, or itself; a shape that is refined stays one."""
        options = self.scene.options
        if not mask.area():
            return ()
        if options.as_mask or (
            self._target is not None and isinstance(self._target.geometry, Mask)
        ):
            return (mask,)
        found = outlined(mask, options.outline_tolerance)
        return (mask,) if self._target is not None and len(found) > 1 else found

    def _words(self) -> str:
        prompter = self.scene.prompter
        if prompter.readiness is Readiness.STARTING:
            return prompter.reason
        if not self._prompts:
            return ""
        answer = self._answer()
        if answer is None:
            return tr("Looking …")
        if not answer.candidates:
            return tr("Nothing found here")
        count = len(answer.candidates)
        score = answer.candidates[self._choice % count].score
        words = [] if score is None else [tr("{score:.0%}").format(score=score)]
        if count > 1:
            number = self._choice % count + 1
            words.append(tr("{number} of {count}, Tab: next").format(number=number, count=count))
        geometries = self._geometries()
        points = sum(len(ring) for g in geometries if isinstance(g, Polygon) for ring in g.rings())
        if points:
            words.append(ntr("{count:,} point", "{count:,} points", points).format(count=points))
        return " · ".join(words)

    def _accept(self) -> Edit | None:
        found = self._geometries() if self._candidates() else ()
        target = self._target
        if not found:
            return None
        self._spent = self.scene.prompter.answer()
        self.cancel()
        if target is not None:
            if found[0] == target.geometry:
                return None
            return ReplaceShapes((moved_to(target, found[0]),), label=tr("Refine shape"))
        return AddShapes(tuple(self._new(found)))

    def _new(self, found: tuple[Geometry, ...]) -> list[Shape]:
        """Return the new shapes; the parts of one object have one group."""
        model = self.scene.prompter.model
        attributes: dict[str, Any] = {ANNOTATION_MODEL: model} if model else {}
        if len(found) > 1:
            groups = (shape.attributes.get(GROUP_ID) for shape in self.scene.shapes())
            attributes[GROUP_ID] = max((g for g in groups if isinstance(g, int)), default=0) + 1
        return [self.scene.drawn(geometry, "assisted", attributes) for geometry in found]
