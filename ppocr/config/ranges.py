"""Ranges of numbers and choices, declared once where the key is: in a section's field or in a signature.

`convert` of `ppocr.config.types` enforces them; a number that declares no bound to a side has the widest sensible one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

WIDEST_INT = 2**31 - 1  # what Paddle, OpenCV and NumPy take without wrapping around
WIDEST_FLOAT = 1e9  # larger factors, rates and thresholds are slips of the keyboard

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]  # of a running mean
KernelOrNone = Annotated[int, Field(ge=-1, le=1_000)]  # -1 where there is none
Dropout = Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[int, Field(ge=1, le=65_536)]  # of an image, in pixels
SideOrFree = Annotated[int, Field(ge=-1, le=65_536)]  # -1 where it varies
Channels = Annotated[int, Field(ge=1, le=65_536)]
Scale = Annotated[float, Field(gt=0, le=10)]  # of the widths of a network
Depth = Annotated[int, Field(ge=1, le=1_000)]  # blocks or layers, one after another
Kernel = Annotated[int, Field(ge=1, le=1_000)]  # size or stride of a convolution or pooling
Length = Annotated[int, Field(ge=1, le=65_536)]  # of a text
LearningRate = Annotated[float, Field(ge=0, le=1_000)]
Shrink = Annotated[float, Field(gt=0, lt=1)]  # of a text instance, as a share of its size
ByteScale = Annotated[float, Field(ge=0, le=255)]
Pixels = Annotated[int, Field(ge=1, le=2**63 - 1)]  # of a whole image
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]

TextDirection = Literal["ltr", "rtl", "visual"]  # of labels, see `CTCCodec`
Oov = Literal["drop", "skip", "error"]  # what to do about characters outside the dictionary
