"""Making pictures smaller and larger."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.images import read_image
from engine.data.transforms.resize import resized


def test_down_to_half_the_size_it_is_bilinear() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    for size_hw in ((90, 120), (180, 240), (60, 80), (46, 61), (45, 60)):
        expected = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
        assert np.array_equal(resized(image, size_hw), expected)
    assert np.shares_memory(resized(image, (90, 120)), image)


@pytest.mark.parametrize("size_hw", [(16, 16), (17, 23), (1, 64), (64, 1), (7, 100)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_fine_stripes_become_grey_not_noise(size_hw: tuple[int, int], channels: int) -> None:
    image = np.zeros((256, 256, channels), np.uint8)
    image[:, ::2] = 200
    small = resized(image, size_hw)
    assert small.shape == (*size_hw, channels)
    if max(size_hw) <= 64:
        assert small.min() >= 90
        assert small.max() <= 110


def test_a_jpeg_read_at_a_fraction_of_its_size_looks_the_same(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    image = cv2.resize(generator.integers(0, 255, (60, 80, 3), np.uint8), (640, 480))
    image[::3] //= 2  # finer than a new pixel
    file = tmp_path / "a.jpg"
    cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    for size_hw in ((120, 160), (168, 224), (60, 80)):
        whole = resized(read_image(file), size_hw).astype(float)
        part = resized(read_image(file, max(size_hw)), size_hw).astype(float)
        plain = cv2.resize(read_image(file), size_hw[::-1]).astype(float)
        assert np.abs(whole - part).mean() < 2.0
        assert np.abs(plain - part).mean() > 2 * np.abs(whole - part).mean()
