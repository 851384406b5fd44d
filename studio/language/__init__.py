"""What the window says, in the language of the person: English text stands in the code, catalogues hold the rest."""

from studio.language.catalogue import mark, nmark, ntr, tr
from studio.language.sentences import tr_engine

__all__ = ["mark", "nmark", "ntr", "tr", "tr_engine"]
