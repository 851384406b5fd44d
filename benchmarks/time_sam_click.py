"""Time a click with a picture looked at before: decoder, the best mask in the picture's size, its outline.

The numbers of the weights change nothing, so seeded ones do where no published file is at hand.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--model", default="mobile_sam", help="a name of engine.models.sam.build")
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 768), help="of the picture")
    parser.add_argument("--clicks", type=int, default=30)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians of one look at a picture and of the parts of a click, wall and processor time."""
    import torch

    from engine.models.sam.architectures import build
    from engine.models.sam.network import NetworkSegmenter
    from engine.models.sam.prompts import make_prompt
    from engine.ops.outlines import trace_outlines

    torch.manual_seed(0)
    segmenter = NetworkSegmenter(build(options.model), "seeded")
    random = np.random.default_rng(0)
    width, height = options.size
    picture = random.integers(0, 255, (height, width, 3), dtype=np.uint8)
    looks = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        embedding = segmenter.embed(picture)
        looks.append((time.perf_counter() - start) * 1000)
    disc = np.hypot(
        *np.mgrid[-height // 2 : height - height // 2, -width // 2 : width - width // 2]
    )
    mask = disc < height / 3
    rows = []
    for click in range(options.clicks + 2):
        prompt = make_prompt((height, width), [random.uniform((0, 0), (width, height))])
        cpu, start = time.process_time(), time.perf_counter()
        (found,) = segmenter.segment(embedding, [prompt], True)
        decoded = time.perf_counter()
        found.mask(found.best)
        enlarged = time.perf_counter()
        trace_outlines(mask)  # of a disc: untrained masks are noise
        end = time.perf_counter()
        used = time.process_time() - cpu
        if click >= 2:
            rows.append((decoded - start, enlarged - decoded, end - enlarged, end - start, used))
    decode, enlarge, outline, whole, used = (
        statistics.median(column) * 1000 for column in zip(*rows, strict=True)
    )
    return {
        "model": options.model,
        "size": [width, height],
        "threads": torch.get_num_threads(),
        "look_ms": statistics.median(looks),
        "decode_ms": decode,
        "enlarge_ms": enlarge,
        "outline_ms": outline,
        "click_ms": whole,
        "click_processor_ms": used,
    }
