"""What the window says, in the language of the person: English text stands in the code, catalogues hold the rest."""

from studio.language.catalogue import mark, ntr, tr

__all__ = ["mark", "ntr", "tr"]
