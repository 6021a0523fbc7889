"""How much the property tests try: a sample in `make test`, and more in `make soak`.

Set `THINKALOUD_TESTS=soak` to choose the long versions. Only this module reads it.
"""

import os
from typing import Final

SOAK: Final = os.environ.get("THINKALOUD_TESTS") == "soak"


def scaled(sample: int, soak: int) -> int:
    """Return how much to try in this run."""
    return soak if SOAK else sample


def cut_interval(size: int) -> int:
    """Return how many bytes apart the places are at which a body of this size is cut in two."""
    return scaled(1 + size // 1_000, 1)
