from __future__ import annotations

import numpy as np

from engine.ops.numbers import as_written


def test_short_text_comes_back_and_long_text_is_not_invented():
    random = np.random.default_rng(0)
    written = np.concatenate(
        (random.random(500).round(6), random.random(500).round(3), [0, 1, -0.25])
    )
    np.testing.assert_array_equal(as_written(written.astype(np.float32)), written)
    long = random.random(500)
    back = as_written(long.astype(np.float32))
    assert np.abs(back - long).max() < 6e-8
