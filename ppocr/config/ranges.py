"""Ranges of numbers, declared once where the key is: in a dataclass's field or in the signature of a registered class.

`convert` of `ppocr.config.types` enforces them; the names of the bounds are those of `annotated_types.Interval`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

WIDEST_INT = 2**31 - 1  # what Paddle, OpenCV and NumPy take without wrapping around
WIDEST_FLOAT = 1e9  # larger factors, rates and thresholds are slips of the keyboard


@dataclass(frozen=True)
class Range:
    """Bounds of a number; one that is None is the widest sensible.

    Args:
        ge: least value.
        gt: bound the value is above.
        le: greatest value.
        lt: bound the value is below.
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether a number is within; what is not finite never is."""
        widest = WIDEST_INT if isinstance(value, int) else WIDEST_FLOAT
        return (
            (-widest - 1 if self.ge is None and self.gt is None else -float("inf")) <= value
            and (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
            and (value <= widest if self.le is None and self.lt is None else value < float("inf"))
        )

    def __str__(self) -> str:
        low = f"at least {self.ge:g}" if self.ge is not None else f"above {self.gt:g}" if self.gt is not None else ""
        if self.le is not None:
            return f"{low} and at most {self.le:,}" if low else f"at most {self.le:,}"
        if self.lt is not None:
            return f"{low} and below {self.lt:g}" if low else f"below {self.lt:g}"
        return low


SENSIBLE = Range()  # of a number without a range of its own

Count = Annotated[int, Range(ge=1)]
Whole = Annotated[int, Range(ge=0)]
Positive = Annotated[float, Range(gt=0)]
NonNegative = Annotated[float, Range(ge=0)]
Probability = Annotated[float, Range(ge=0, le=1)]
Decay = Annotated[float, Range(ge=0, lt=1)]  # of a running mean
KernelOrNone = Annotated[int, Range(ge=-1, le=1_000)]  # -1 where there is none
Dropout = Annotated[float, Range(ge=0, lt=1)]
Side = Annotated[int, Range(ge=1, le=65_536)]  # of an image, in pixels
SideOrFree = Annotated[int, Range(ge=-1, le=65_536)]  # -1 where it varies
Channels = Annotated[int, Range(ge=1, le=65_536)]
Scale = Annotated[float, Range(gt=0, le=10)]  # of the widths of a network
Depth = Annotated[int, Range(ge=1, le=1_000)]  # blocks or layers, one after another
Kernel = Annotated[int, Range(ge=1, le=1_000)]  # size or stride of a convolution or pooling
Length = Annotated[int, Range(ge=1, le=65_536)]  # of a text
LearningRate = Annotated[float, Range(ge=0, le=1_000)]
Shrink = Annotated[float, Range(gt=0, lt=1)]  # of a text instance, as a share of its size
ByteScale = Annotated[float, Range(ge=0, le=255)]
Pixels = Annotated[int, Range(ge=1, le=2**63 - 1)]  # of a whole image
Seed = Annotated[int, Range(ge=0, le=2**32 - 1)]
