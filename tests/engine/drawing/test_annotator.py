from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from engine.drawing.annotator import Annotator
from engine.drawing.fonts import find_font, has_letters
from engine.drawing.palette import Palette, colors, readable_on

RED = (0, 0, 255)


def _blank(height=120, width=160):
    return np.zeros((height, width, 3), dtype=np.uint8)


def _box(mask):
    """Return x1, y1, x2, y2 around what is set."""
    y, x = np.nonzero(mask)
    return x.min(), y.min(), x.max(), y.max()


def test_colours_differ_and_repeat():
    assert len({colors(i) for i in range(20)}) == 20
    assert colors(23) == colors(3) == Palette()(3.0)
    assert colors(1, bgr=True) == colors(1)[::-1]
    assert readable_on((255, 255, 255)) == (0, 0, 0)
    assert readable_on((128, 0, 0)) == (255, 255, 255)


def test_draws_into_the_array_it_is_given_or_into_a_copy():
    image = _blank()
    annotator = Annotator(image, line_width=1)
    annotator.box_label([20, 30, 60, 80], color=RED)
    assert annotator.result() is image
    assert _box(image[..., 2] > 0) == (20, 30, 60, 80)
    assert not image[40:70, 30:50].any()
    flipped = _blank()[:, ::-1]
    Annotator(flipped).box_label([20, 30, 60, 80], color=RED)
    assert not flipped.any()


@pytest.mark.parametrize("shape", [(50, 40), (50, 40, 1)])
def test_grey_and_pil_images_become_bgr(shape):
    assert Annotator(np.full(shape, 7, np.uint8)).result().tolist()[0][0] == [7, 7, 7]
    picture = Image.new("RGB", (8, 6), (1, 2, 3))
    assert Annotator(picture).result()[0, 0].tolist() == [3, 2, 1]
    with pytest.raises(ValueError, match="uint8"):
        Annotator(np.zeros((5, 5, 3)))


def test_no_image_is_refused_with_its_usual_cause():
    with pytest.raises(ValueError, match=r"received None, as cv2\.imread gives"):
        Annotator(None)


def test_a_label_stands_above_its_box_or_inside_where_there_is_no_room():
    roomy, tight = _blank(), _blank()
    Annotator(roomy, line_width=1).box_label([20, 60, 140, 110], "nut 0.93", RED)
    assert 30 < _box(roomy.any(2))[1] < 60
    Annotator(tight, line_width=1).box_label(torch.tensor([20.0, 2, 140, 110]), "nut 0.93", RED)
    assert _box(tight.any(2))[1] == 2
    edge = _blank()
    Annotator(edge, line_width=1).box_label([150, 60, 159, 70], "a rather long name", RED)
    x1, _, x2, _ = _box(edge[:58].any(2))
    assert x1 < 90  # moved to the left, so that all of it can be read
    assert x2 < 160


def test_a_rotated_box_is_drawn_by_its_corners():
    image = _blank()
    Annotator(image, line_width=1).box_label(
        np.array([[80, 10], [120, 50], [80, 90], [40, 50]]), color=RED, rotated=True
    )
    assert _box(image.any(2)) == pytest.approx((40, 10, 120, 90), abs=1)
    assert image[10:13, 78:83].any()
    assert not image[10:13, 40:60].any()


@pytest.mark.parametrize("text", ["nut 0.93", "größe"])
@pytest.mark.parametrize("pil", [False, True])
def test_text_stays_within_its_size(text, pil):
    image = _blank()
    annotator = Annotator(image, font_size=20, pil=pil)
    width, height = annotator.text_size(text)
    annotator.text((10, 20), text)
    x1, y1, x2, y2 = _box(image.any(2))
    assert x1 >= 8
    assert y1 >= 19
    assert x2 <= 10 + width + 2
    assert y2 <= 20 + height + 2
    assert x2 - x1 > 0.8 * width


def test_labels_in_the_middle_of_a_box():
    for draw in ("text_label", "circle_label"):
        image = _blank()
        getattr(Annotator(image), draw)(torch.tensor([40.0, 20, 120, 100]), label="car", color=RED)
        x1, y1, x2, y2 = _box(image.any(2))
        assert (x1 + x2) / 2 == pytest.approx(80, abs=2)
        assert (y1 + y2) / 2 == pytest.approx(60, abs=2)


def test_text_that_sticks_out_of_the_image_is_cut():
    image = _blank()
    Annotator(image, pil=True).text((150, 110), "beyond")
    assert image[110:, 150:].any()
    Annotator(image, pil=True).text((500, 500), "far away")


def test_masks_tint_what_they_cover():
    image = np.full((20, 20, 3), 100, np.uint8)
    masks = torch.zeros(2, 20, 20)
    masks[0, :10], masks[1, 5:15] = 1, 1
    Annotator(image).masks(masks, [(200, 0, 0), (0, 200, 0)], alpha=0.5)
    assert image[2, 3].tolist() == [150, 50, 50]
    assert image[7, 3].tolist() == [50, 150, 50]
    assert image[18, 3].tolist() == [100, 100, 100]
    Annotator(image).masks(np.zeros((0, 20, 20)), [])
    with pytest.raises(ValueError, match="size"):
        Annotator(image).masks(np.zeros((1, 10, 10)), [RED])


def test_polygons_are_filled_and_outlined():
    image = _blank()
    ring = np.array([[30.0, 30], [90, 30], [90, 90], [30, 90]])
    Annotator(image, line_width=2).polygons([ring, np.zeros((0, 2))], [RED, RED], alpha=0.5)
    assert image[60, 60, 2] == pytest.approx(128, abs=2)
    assert image[60, 30, 2] > 200
    assert not image[10, 10].any()


def test_keypoints_without_confidence_or_place_are_left_out():
    image = _blank()
    points = np.array([[20, 20, 0.9], [100, 20, 0.1], [0, 0, 0.9], [60, 90, 0.9]])
    Annotator(image, line_width=2).kpts(points, skeleton=[(1, 4), (1, 2)])
    assert image[20, 20].any()
    assert image[90, 60].any()
    assert image[53:58, 38:43].any()  # half way from the first to the fourth
    assert not image[20, 95:].any()
    assert not image[:10, :10].any()
    person = _blank()
    Annotator(person).kpts(torch.rand(17, 2) * 100 + 10)
    assert person.any()


def test_box_dimensions_keep_their_kind():
    width, height, area = Annotator.get_bbox_dimension(torch.tensor([10.0, 20, 40, 60]))
    assert (width.item(), height.item(), area.item()) == (30, 40, 1200)


def test_fonts_are_chosen_by_their_letters(caplog):
    assert has_letters(find_font("DejaVuSans.ttf", 20, "äß"), "äß")
    assert find_font("no-such-font.ttf", 15).getbbox("abc")[2] > 0
    unknown = "\U0010fffd"
    assert find_font("DejaVuSans.ttf", 20, unknown).getbbox("a")[2] > 0
    assert "No font" in caplog.text
