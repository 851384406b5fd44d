"""Public index of the data utilities that scripts import; the code lives where its room is."""

from engine.data.compress import compress_one_image as compress_one_image
from engine.data.images import IMG_FORMATS as IMG_FORMATS
from engine.data.images import VID_FORMATS as VID_FORMATS
from engine.data.labels.paths import label_path as label_path
from engine.data.split import autosplit as autosplit
from engine.ops.raster import polygon2mask as polygon2mask
from engine.ops.raster import polygons2masks as polygons2masks
from engine.ops.raster import polygons2masks_overlap as polygons2masks_overlap
