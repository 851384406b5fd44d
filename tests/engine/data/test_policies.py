"""The ready-made policies: each change is what its name says, strengths are those of the papers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engine.data.transforms import policies
from engine.data.transforms.policies import CHANGES, POLICIES, change


@pytest.fixture
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_keep_size_and_get_stronger(name, picture):
    weak, strong = (np.asarray(CHANGES[name](picture, s), np.float32) for s in (0.0, 0.9))
    assert weak.shape == strong.shape == (48, 64, 3)
    original = np.asarray(picture, np.float32)
    if name in ("autocontrast", "equalize", "invert", "identity"):
        np.testing.assert_array_equal(weak, strong)
    else:
        assert np.abs(weak - original).mean() < 1
        assert np.abs(strong - original).mean() > 5


# Of the library of torch's makers, for the same amounts
REFERENCE = {
    "posterize": ("posterize", {"bits": 5}, 0.7),
    "solarize": ("solarize", {"threshold": 128}, 0.5),
    "autocontrast": ("autocontrast", {}, 0.5),
    "equalize": ("equalize", {}, 0.5),
    "invert": ("invert", {}, 0.5),
    "brightness": ("adjust_brightness", {"brightness_factor": 1.45}, 0.5),
    "color": ("adjust_saturation", {"saturation_factor": 0.55}, -0.5),
    "contrast": ("adjust_contrast", {"contrast_factor": 1.45}, 0.5),
    "sharpness": ("adjust_sharpness", {"sharpness_factor": 0.55}, -0.5),
}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_changes_are_those_of_the_field(name, picture):
    functional = pytest.importorskip("torchvision.transforms.functional")
    function, amount, strength = REFERENCE[name]
    expected = np.asarray(getattr(functional, function)(picture, **amount))
    np.testing.assert_array_equal(np.asarray(CHANGES[name](picture, strength)), expected)


def test_shapes_move_as_far_as_the_papers_say():
    picture = Image.fromarray(np.zeros((331, 331, 3), np.uint8))
    grey = np.asarray(CHANGES["translate_x"](picture, 1.0))[..., 0] > 0
    assert grey.any(0).sum() == 150
    assert grey.all(0).sum() == 150
    sheared = np.asarray(CHANGES["shear_x"](picture, 1.0))[..., 0] > 0
    assert sheared[-1].sum() == pytest.approx(0.15 * 331, abs=2)  # about the middle
    assert sheared[0].sum() == pytest.approx(0.15 * 331, abs=2)
    marked = np.zeros((331, 331, 3), np.uint8)
    marked[160:171, 300:311] = 255  # right of the middle: turned by 30 degrees it stands higher
    turned = np.asarray(CHANGES["rotate"](Image.fromarray(marked), 1.0))[..., 0] > 200
    rows, columns = np.nonzero(turned)
    assert columns.mean() == pytest.approx(165 + 140 * np.cos(np.pi / 6), abs=2)
    assert rows.mean() == pytest.approx(165 - 140 * np.sin(np.pi / 6), abs=2)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_policies_vary_and_repeat(name, picture):
    made = [np.asarray(POLICIES[name](picture, np.random.default_rng(seed))) for seed in range(8)]
    again = np.asarray(POLICIES[name](picture, np.random.default_rng(3)))
    np.testing.assert_array_equal(made[3], again)
    assert all(m.shape == (48, 64, 3) and m.dtype == np.uint8 for m in made)
    assert len({m.tobytes() for m in made}) > 4


def test_signed_changes_go_both_ways(picture):
    ways = {
        np.asarray(change(picture, "brightness", 0.5, np.random.default_rng(s))).mean() > 127
        for s in range(10)
    }
    assert ways == {True, False}
    assert set(policies._RAND) == set(CHANGES) - {"invert"}


def test_augmix_with_nothing_to_change_is_the_picture(picture):
    made = policies.aug_mix(picture, np.random.default_rng(0), severity=0.0)
    # equalize and autocontrast have no strength; a mean of copies stays between its extremes
    assert np.asarray(made).shape == (48, 64, 3)
    mild = np.abs(np.asarray(made, np.float32) - np.asarray(picture, np.float32)).mean()
    strong = policies.aug_mix(picture, np.random.default_rng(0), severity=1.0)
    assert mild < np.abs(np.asarray(strong, np.float32) - np.asarray(picture, np.float32)).mean()
