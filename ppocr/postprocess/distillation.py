"""Post-processing of several models: that of each, over its own predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ppocr import results
from ppocr.codecs.ctc import CTCCodec
from ppocr.config.ranges import Count, Positive, Probability
from ppocr.declarations import Filled
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.ctc import CTCLabelDecode
from ppocr.postprocess.db import DBPostProcess
from ppocr.predictions import prefixed, select
from ppocr.registry import POSTPROCESSES


class OfEachModel(PostProcess):
    """Runs one post-processing on the predictions of each model.

    Args:
        postprocess: of a model by itself.
        models: whose results are wanted, those of the first one are shown.
    """

    def __init__(self, postprocess: PostProcess, models: Sequence[str] | str) -> None:
        super().__init__(postprocess.codec)
        self.postprocess = postprocess
        self.models = (models,) if isinstance(models, str) else tuple(models)
        self.requires = tuple(prefixed(model, key) for model in self.models for key in postprocess.requires)
        self.accepts = tuple(prefixed(model, key) for model in self.models for key in postprocess.accepts)

    def for_model(self, name: str) -> PostProcess:
        """Return the post-processing of a model by itself."""
        return self.postprocess

    def __call__(
        self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None
    ) -> list[results.OfModels]:
        """Return the results of all models for each image.

        Args:
            preds: predictions of all models.
            batch: see the post-processing.
        """
        by_model = {model: self.postprocess(select(preds, model), batch) for model in self.models}
        return [results.OfModels(dict(zip(by_model, each))) for each in zip(*by_model.values())]


@POSTPROCESSES.register()
class DistillationCTCLabelDecode(OfEachModel):
    """`CTCLabelDecode` of each model.

    Args:
        codec: of the branch; filled in.
        model_name: see `OfEachModel`.
        key: "head_out".
        multi_head: whether the heads are `MultiHead`, whose first prediction is that of CTC, too.
    """

    dimensions = CTCLabelDecode.dimensions
    result = CTCLabelDecode.result
    codec_class = CTCCodec

    def __init__(
        self,
        codec: Filled[CTCCodec],
        model_name: Sequence[str] | str = ("Student",),
        key: Literal["head_out"] | None = None,
        multi_head: bool = False,
    ) -> None:
        super().__init__(CTCLabelDecode(codec), model_name)


@POSTPROCESSES.register()
class DistillationDBPostProcess(OfEachModel):
    """`DBPostProcess` of each model.

    Args:
        model_name: see `OfEachModel`.
        key: "head_out".
        thresh: this and the others: see `DBPostProcess`.
    """

    dimensions = DBPostProcess.dimensions
    result = DBPostProcess.result
    needs = DBPostProcess.needs

    def __init__(
        self,
        model_name: Sequence[str] | str = ("Student",),
        key: Literal["head_out"] | None = None,
        thresh: Probability = 0.3,
        box_thresh: Probability = 0.6,
        max_candidates: Count = 1000,
        unclip_ratio: Positive = 1.5,
        use_dilation: bool = False,
        score_mode: Literal["fast", "slow"] = "fast",
        box_type: Literal["quad", "poly"] = "quad",
    ) -> None:
        postprocess = DBPostProcess(
            thresh, box_thresh, max_candidates, unclip_ratio, use_dilation, score_mode, box_type
        )
        super().__init__(postprocess, model_name)
