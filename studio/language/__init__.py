"""What the window says, in the language of the person: English text stands in the code, catalogues hold the rest."""

from studio.language.catalogue import mark, nmark, ntr, tr

__all__ = ["mark", "nmark", "ntr", "tr"]
