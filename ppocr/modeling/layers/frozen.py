"""Running a network that is not trained inside one that is."""

from __future__ import annotations

from paddle import nn
from paddle.nn.layer.norm import _BatchNormBase
from paddle.nn.layer.rnn import RNNBase

# what draws random numbers or collects statistics in training
CHANGES = (_BatchNormBase, RNNBase, nn.Dropout, nn.Dropout2D, nn.Dropout3D, nn.AlphaDropout)


def freeze(network: nn.Layer) -> None:
    """Leave a network's parameters out of training."""
    for parameter in network.parameters():
        parameter.stop_gradient = True


def run_frozen(network: nn.Layer, head: nn.Layer | None) -> None:
    """Set a frozen network for a training step: it evaluates, and its head gives what losses read.

    Args:
        network: whose norms and dropouts evaluate, so that no buffer changes.
        head: of the network; its outputs are those of training.
    """
    network.eval()
    for layer in () if head is None else head.sublayers(include_self=True):
        layer.training = not isinstance(layer, CHANGES)
