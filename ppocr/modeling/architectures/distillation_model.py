"""Several networks on the same images, of which some learn from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import paddle

from ppocr.codecs.context import Codecs
from ppocr.errors import ConfigError
from ppocr.modeling.architectures.base import Architecture, Exportable
from ppocr.modeling.architectures.base_model import build_network
from ppocr.modeling.layers.frozen import freeze, run_frozen
from ppocr.predictions import prefixed
from ppocr.registry import ARCHITECTURES


@ARCHITECTURES.register()
class DistillationModel(Architecture):
    """Networks by name, trained together; each prediction's key begins with the network's name and a dot.

    The attributes of the networks are their names, which makes the names in checkpoints.

    Args:
        architecture: `model_type`, and under `Models` the section of each network; beside the keys of a network each
            may have `pretrained`, weights it starts from, and `freeze_params`, true for a teacher that is not trained.
        codecs: see `build_model`.

    Attributes:
        frozen: names of the networks that are not trained: their norms and dropouts evaluate, their parameters and
            buffers stay as they are, while their heads give what training losses read.
    """

    model_sections = ("Models",)

    def __init__(self, architecture: Mapping[str, Any], codecs: Codecs | None = None) -> None:
        super().__init__()
        sections = architecture["Models"]
        self.names = tuple(sections)
        self.frozen = tuple(name for name, section in sections.items() if section.get("freeze_params"))
        self.pretrained = {
            name: section["pretrained"] for name, section in sections.items() if section.get("pretrained")
        }
        for name, section in sections.items():
            with _inside(name):
                model = build_network({"model_type": architecture["model_type"], **section}, codecs)
            setattr(self, name, model)
            if name in self.frozen:
                freeze(model)
        networks = self.models()
        self.image_keys = next(iter(networks.values())).image_keys
        for key in ("targets", "inputs"):
            setattr(self, key, tuple(dict.fromkeys(k for network in networks.values() for k in getattr(network, key))))
        for key in ("outputs", "train_outputs", "logits"):
            setattr(self, key, tuple(prefixed(n, k) for n, network in networks.items() for k in getattr(network, key)))
        self.size_multiple = max(network.size_multiple for network in networks.values())
        self.fixed_size = any(network.fixed_size for network in networks.values())
        self.classes = next((network.classes for network in networks.values()), None)
        self.codec = next((network.codec for network in networks.values()), None)

    def forward(self, x: paddle.Tensor, batch: Mapping[str, Any] | None = None) -> dict[str, paddle.Tensor]:
        """Return the predictions of all networks; see the base class."""
        found = {}
        for name, network in self.models().items():
            with paddle.no_grad() if name in self.frozen else paddle.enable_grad():
                preds = network(x, batch)
            found.update({prefixed(name, key): value for key, value in preds.items()})
        return found

    def train(self) -> None:
        """Set the networks for training; the frozen ones evaluate."""
        super().train()
        for name in self.frozen:
            network = getattr(self, name)
            run_frozen(network, getattr(network, "head", None))

    def parts(self) -> dict[str, Any]:
        """Return the parts of all networks by their sections; see the base class."""
        return {
            f"Models.{name}.{section}": part
            for name, network in self.models().items()
            for section, part in network.parts().items()
        }

    def models(self) -> dict[str, Architecture]:
        """Return the networks by their names."""
        return {name: getattr(self, name) for name in self.names}

    def exportables(self) -> dict[str, Exportable]:
        """Return the networks that are trained, each for a folder of its name."""
        return {name: Exportable(network, name) for name, network in self.models().items() if name not in self.frozen}


@contextmanager
def _inside(name: str) -> Iterator[None]:
    """Say of errors in a network's section which one it is."""
    try:
        yield
    except ConfigError as error:
        problems = [
            replace(p, key=f"Architecture.Models.{name}{p.key.removeprefix('Architecture')}") for p in error.problems
        ]
        raise ConfigError(problems, error.hint).with_traceback(error.__traceback__) from error.__cause__
