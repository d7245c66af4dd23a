"""Predictions are flat: a network made of several models puts a model's name and a dot before each key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def prefixed(model: str, key: str) -> str:
    """Return the key of a model's prediction among those of the whole network; "" is a network of one model."""
    return f"{model}.{key}" if model else key


def select(preds: Mapping[str, Value], model: str) -> dict[str, Value]:
    """Return the predictions of one model by its own keys.

    Args:
        preds: of the whole network.
        model: its name; "" for a network of one model.
    """
    start = prefixed(model, "")
    return {key[len(start) :]: value for key, value in preds.items() if key.startswith(start)}
