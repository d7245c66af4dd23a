"""Two networks of a user's own that learn together; the small one is exported."""

from ppocr.codecs.sar import SARCodec
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.losses.rec_sar import SARLoss
from ppocr.modeling.architectures import build_model
from ppocr.modeling.architectures.base import Architecture, Exportable
from ppocr.postprocess.tokens import SARLabelDecode
from ppocr.registry import ARCHITECTURES, LOSSES, POSTPROCESSES

NAMES = ("Small", "Large")


@ARCHITECTURES.register()
class Pair(Architecture):
    model_sections = ("Networks",)
    targets = ("label", "valid_ratio")
    inputs = ("valid_ratio",)
    outputs = tuple(f"{name}.sar" for name in NAMES)

    def __init__(self, architecture, codecs=None):
        super().__init__()
        for name in NAMES:
            section = {"model_type": architecture["model_type"], **architecture["Networks"][name]}
            setattr(self, name.lower(), build_model(section, codecs))

    def forward(self, x, batch=None):
        found = {}
        for name, network in self.models().items():
            found.update({f"{name}.{key}": value for key, value in network(x, batch).items()})
        return found

    def parts(self):
        return {
            f"Networks.{name}.{section}": part
            for name, network in self.models().items()
            for section, part in network.parts().items()
        }

    def models(self):
        return {name: getattr(self, name.lower()) for name in NAMES}

    def exportables(self):
        return {"": Exportable(self.small, "Small")}


@LOSSES.register()
class PairLoss(Loss):
    requires = Pair.outputs
    needs = SARLoss.needs
    codec_class = SARCodec

    def __init__(self, codec: Filled[SARCodec], distance: float = 0.1) -> None:
        super().__init__(codec)
        self.alone = SARLoss(codec)
        self.distance = distance

    def forward(self, preds, batch):
        losses = {f"loss_{key}": self.alone({"sar": preds[key]}, batch)["loss"] for key in self.requires}
        small, large = (preds[key] for key in self.requires)
        losses["loss_distance"] = self.distance * (small - large).square().mean()
        return {"loss": sum(losses.values()), **losses}


@POSTPROCESSES.register()
class PairDecode(SARLabelDecode):
    requires = ("Small.sar",)

    def for_model(self, name):
        return SARLabelDecode(self.codec)
