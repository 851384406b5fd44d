"""What a label is: geometry types, the annotation that carries one, and conversions between kinds.

One frame everywhere: pixels, x right, y down, origin at the top-left corner of the top-left pixel, so
pixel (column i, row j) covers i..i+1, j..j+1. Loads no torch.
"""

from engine.data.annotations.annotation import Annotation as Annotation
from engine.data.annotations.convert import to_box as to_box
from engine.data.annotations.convert import to_mask as to_mask
from engine.data.annotations.convert import to_oriented_box as to_oriented_box
from engine.data.annotations.convert import to_polygons as to_polygons
from engine.data.annotations.geometry import Box as Box
from engine.data.annotations.geometry import Geometry as Geometry
from engine.data.annotations.geometry import Keypoints as Keypoints
from engine.data.annotations.geometry import OrientedBox as OrientedBox
from engine.data.annotations.geometry import Point as Point
from engine.data.annotations.geometry import Polygon as Polygon
from engine.data.annotations.geometry import Polyline as Polyline
from engine.data.annotations.geometry import Tag as Tag
from engine.data.annotations.geometry import geometry_from_dict as geometry_from_dict
from engine.data.annotations.mask import Mask as Mask
