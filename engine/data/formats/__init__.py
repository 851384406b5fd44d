"""Data sets on disk in the formats of the field: :func:`read`, :func:`write` and what they pass along."""

from engine.data.formats.records import ClassInfo as ClassInfo
from engine.data.formats.records import LabelledDataset as LabelledDataset
from engine.data.formats.records import LabelledImage as LabelledImage
from engine.data.formats.records import WriteReport as WriteReport
from engine.data.formats.registry import FORMATS as FORMATS
from engine.data.formats.registry import Format as Format
from engine.data.formats.registry import find_format as find_format
from engine.data.formats.registry import read as read
from engine.data.formats.registry import write as write
from engine.data.problems import Problem as Problem
