"""Geometry made of geometry: union, subtraction, overlap, parts, fewer points, other kinds, turned and stretched.

No torch, no Qt; shapely is loaded at the first use. Image pixels: x right, y down.
"""

from studio.model.geometry_ops.booleans import intersect as intersect
from studio.model.geometry_ops.booleans import subtract as subtract
from studio.model.geometry_ops.booleans import unite as unite
from studio.model.geometry_ops.convert import TARGETS as TARGETS
from studio.model.geometry_ops.convert import converted as converted
from studio.model.geometry_ops.measures import facts as facts
from studio.model.geometry_ops.measures import perimeter as perimeter
from studio.model.geometry_ops.measures import point_count as point_count
from studio.model.geometry_ops.parts import fit_into as fit_into
from studio.model.geometry_ops.parts import split_parts as split_parts
from studio.model.geometry_ops.parts import without_holes as without_holes
from studio.model.geometry_ops.simplify import simplified as simplified
from studio.model.geometry_ops.transform import Motion as Motion
from studio.model.geometry_ops.transform import transformed as transformed
