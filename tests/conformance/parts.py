"""Comparing a backbone alone, and a network whose branches are fused, with the reference's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import paddle
from paddle import nn

from ppocr.deploy.export import fuse
from ppocr.modeling.architectures import build_model
from tests.conformance.networks import (
    Found,
    build,
    check,
    check_names,
    check_outputs,
    fill_network,
    image,
    noisy_image,
    run,
)


def check_backbone(reference: Mapping[str, Any]) -> nn.Layer:
    """Compare names, shapes and evaluation outputs of the backbone alone, and return the network of it."""
    architecture = reference["architecture"]
    model = build_model({"model_type": architecture["model_type"], "Backbone": architecture["Backbone"]})
    names = [entry[:2] for entry in reference["state_dict"] if entry[0].startswith("backbone.")]
    assert [[name, list(tensor.shape)] for name, tensor in model.state_dict().items()] == names
    fill_network(model, reference["bn_variance_scale"])
    model.eval()
    x = image(reference)
    found, moved = run(model, x), cache(lambda draw: run(model, noisy_image(x, draw)))
    for name, expected in reference["eval_outputs"].items():
        if name.partition(".")[0] == "backbone":
            check(Found(found, name, "", moved), expected, rtol=1e-3, atol=1e-4)
    return model


def check_network(
    reference: Mapping[str, Any], output: str, batch: Mapping[str, paddle.Tensor] | None = None, atol: float = 1e-4
) -> None:
    """Compare names, shapes, outputs and, where they are recorded, fused outputs of a network; see `check_outputs`."""
    model = build(reference)
    check_names(model, reference)
    if "fused" in reference:
        check_fused(model, reference, output)
    check_outputs(model, reference, output, batch, atol)


def check_fused(model: nn.Layer, reference: Mapping[str, Any], output: str) -> None:
    """Compare the fused network with the reference's and with the network it was made from, which stays as it is.

    Args:
        model: a filled network that has not been trained, whose batch statistics are the filled ones.
        reference: the reference file, with `fused`.
        output: see `check_outputs`.
    """
    x = image(reference)
    model.eval()
    fused = fuse(model)
    before, after = model.state_dict(), fused.state_dict()
    added = [[name, list(tensor.shape)] for name, tensor in after.items() if name not in before]
    assert sorted(added) == sorted(reference["fused"]["added"])
    with paddle.no_grad():
        preds, fused_preds = model(x), fused(x)
    found, moved = {"model": fused_preds}, cache(lambda draw: run(fused, noisy_image(x, draw)))
    for name, expected in reference["fused"]["outputs"].items():
        check(Found(found, name, output, moved), expected, rtol=1e-3, atol=1e-4)
    assert float((preds[output] - fused_preds[output]).abs().max()) <= 1e-4
