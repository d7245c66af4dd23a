"""Whole networks, built from the `Architecture` section of a configuration."""

from ppocr.modeling.architectures.base_model import BaseModel, build_model

__all__ = ["BaseModel", "build_model"]
