"""The sample project's data, drawn by our own code: :func:`draw_scene`, :func:`write_sample`."""

from engine.data.synthetic.outlines import NAMES as NAMES
from engine.data.synthetic.sample import SampleReport as SampleReport
from engine.data.synthetic.sample import write_sample as write_sample
from engine.data.synthetic.scene import Scene as Scene
from engine.data.synthetic.scene import draw_scene as draw_scene
