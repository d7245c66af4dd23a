"""What the branch of a head beside CTC is called in checkpoints, predictions, batches and YAML: one row a head.

`MultiHead`, `MultiLoss` and `MultiLabelEncode` hold any registered head, loss and encoder; only this table knows how
official networks name those they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ppocr.config.ranges import Depth, Length

MAIN = "CTCHead"  # of head_list: its branch is the one that is decoded
DEFAULT_ENCODER = "SARLabelEncode"  # the second one of MultiLabelEncode when it names none
WIDTH_OF_A_HEAD = 32  # of NRTR's attention


@dataclass(frozen=True)
class NRTROptions:
    """The keys of `NRTRHead` in `head_list`.

    Args:
        nrtr_dim: width, a multiple of 32.
        max_text_length: longest text.
        num_decoder_layers: blocks of the decoder.
    """

    nrtr_dim: Annotated[int, Field(ge=32, le=65_536)] = 256
    max_text_length: Length = 25
    num_decoder_layers: Depth = 4

    @property
    def width(self) -> int:
        """Width of the sequence the head reads."""
        return self.nrtr_dim

    def head(self) -> dict[str, Any]:
        """Return the keys of the head itself."""
        return {
            "d_model": self.nrtr_dim,
            "nhead": self.nrtr_dim // WIDTH_OF_A_HEAD,
            "num_encoder_layers": 0,
            "num_decoder_layers": self.num_decoder_layers,
            "max_len": self.max_text_length,
            "dim_feedforward": self.nrtr_dim * 4,
        }


@dataclass(frozen=True)
class Branch:
    """The names of one head's branch.

    Args:
        prediction: key of its prediction, and of what its loss requires.
        label: key of its label in batches.
        attribute: of the head in MultiHead, which is its name in checkpoints.
        encoder: attribute of the layers in front of it.
        options: type of its keys in `head_list`, where they are not the head's own.
        weight: index of its weight among MultiLoss' `weight_1` and `weight_2`.
    """

    prediction: str
    label: str = "label_gtc"
    attribute: str = "gtc_head"
    encoder: str = "before_gtc"
    options: type[NRTROptions] | None = None
    weight: int = 1


# by the key of the head's prediction and the loss's when they are alone
BRANCHES: Mapping[str, Branch] = {
    "ctc": Branch("ctc", "label_ctc", "ctc_head", "ctc_encoder", weight=0),
    "sar": Branch("sar", "label_sar", "sar_head"),
    "nrtr": Branch("gtc", options=NRTROptions),
}


def branch_of(prediction: str) -> Branch:
    """Return the names of a branch, by the key of the prediction its head gives and its loss requires."""
    return BRANCHES.get(prediction) or Branch(prediction, attribute=f"{prediction}_head")


def second_label(encoder: str | None) -> str:
    """Return the key of the label that MultiLabelEncode's second encoder makes, None being the default one."""
    return BRANCHES["sar"].label if encoder is None else Branch("").label
