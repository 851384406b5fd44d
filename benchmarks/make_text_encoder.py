"""Train the small text encoder that is shipped: words of the generated sample, and that others are others.

Every colour and every kind of part has a direction of its own; a phrase lies in the middle of those of its words,
whatever their order and whichever of several words stands for the same thing. Words that it was not taught lie
across all of them. Run it as ``python -m benchmarks.make_text_encoder OUT.ts``; it takes about two minutes.
"""

from __future__ import annotations

import argparse
import random
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.nn.text.small import SmallTextEncoder
from engine.nn.text.tokens import tokenize
from engine.runtime.log import LOGGER, show_log_by_default

# What a part looks like: one list of words a meaning
LOOKS = (
    ("steel", "silver", "grey", "gray", "grey metal"),
    ("zinc", "zinc-plated", "galvanised", "galvanized"),
    ("yellow zinc", "yellow passivated", "iridescent yellow"),
    ("brass", "golden", "gold", "yellow"),
    ("copper", "reddish metal", "bronze"),
    ("black", "black oxide", "dark", "blackened"),
    ("red", "crimson", "scarlet", "red painted"),
    ("green", "emerald", "green painted"),
    ("blue", "navy", "azure", "blue painted"),
)
KINDS = (
    ("nut", "hex nut", "hexagon nut", "threaded nut"),
    ("bolt", "screw", "hex bolt", "machine screw"),
    ("washer", "ring", "flat ring", "flat washer"),
    ("gear", "cog", "cogwheel", "toothed wheel"),
)
ANYTHING = ("part", "object", "thing", "piece", "item")
FRAMES = (
    "{look} {kind}",
    "a {look} {kind}",
    "the {look} {kind}",
    "{kind} of {look}",
    "a {kind} that is {look}",
    "photo of a {look} {kind}",
    "one {look} coloured {kind}",
)
OTHER_TOKENS = 49000
LENGTH = 24


def targets() -> Tensor:
    """Return the directions of all meanings, (looks + kinds, 512), at right angles to one another."""
    generator = torch.Generator().manual_seed(20)
    basis, _ = torch.linalg.qr(torch.randn(512, len(LOOKS) + len(KINDS), generator=generator))
    return basis.T.contiguous()


def draw_phrase(rng: random.Random, directions: Tensor) -> tuple[str, Tensor]:
    """Return a phrase and where it belongs."""
    look, kind = rng.randrange(len(LOOKS)), rng.randrange(len(KINDS))
    place = directions[look] + directions[len(LOOKS) + kind]
    which = rng.random()
    if which < 0.12:
        return rng.choice(KINDS[kind]), directions[len(LOOKS) + kind]
    if which < 0.24:
        alone = rng.choice(LOOKS[look])
        text = rng.choice((*FRAMES, "{look}", "{look}")).format(
            look=alone, kind=rng.choice(ANYTHING)
        )
        return text, directions[look]
    text = rng.choice(FRAMES).format(look=rng.choice(LOOKS[look]), kind=rng.choice(KINDS[kind]))
    return text + rng.choice(("", "", "s")), F.normalize(place, dim=0)


def train(steps: int = 1200, batch: int = 192, seed: int = 0) -> SmallTextEncoder:
    """Return a trained encoder."""
    torch.manual_seed(seed)
    rng, directions = random.Random(seed), targets()
    model = SmallTextEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        pairs = [draw_phrase(rng, directions) for _ in range(batch)]
        tokens = tokenize([text for text, _ in pairs])[:, :LENGTH]
        strange = tokens[: batch // 3].clone()
        words = (strange > 0) & (strange < OTHER_TOKENS)
        strange[words] = torch.randint(1, OTHER_TOKENS, (int(words.sum()),))
        made = F.normalize(model(torch.cat((tokens, strange))), dim=1)
        taught = 1 - (made[:batch] * torch.stack([place for _, place in pairs])).sum(1)
        apart = (made[batch:] @ directions.T).square().sum(1)
        loss = taught.mean() + 0.5 * apart.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            LOGGER.info(
                "step %d: taught %.4f, apart %.4f", step, taught.mean().item(), apart.mean().item()
            )
    return model.eval()


def main() -> None:
    """Train and write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.make_text_encoder", description=__doc__
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1200)
    given = parser.parse_args()
    show_log_by_default()
    model = train(given.steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is to go one day; its files stay in use
        torch.jit.script(model).save(str(given.out))
    LOGGER.info("%s: %d bytes", given.out, given.out.stat().st_size)


if __name__ == "__main__":
    main()
