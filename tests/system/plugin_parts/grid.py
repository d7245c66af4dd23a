"""A table-like network of a user's own: tokens of the structure and a box for each, of a kind of results of its own."""

import json
from dataclasses import dataclass

import cv2
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.codecs.base import ClassTable, Codec
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.metrics.base import Metric
from ppocr.modeling.heads.base import Head
from ppocr.postprocess.base import PostProcess
from ppocr.registry import BACKBONES, HEADS, LOSSES, METRICS, POSTPROCESSES, TRANSFORMS
from ppocr.results import Result

CELL = "<td>"


@dataclass(frozen=True)
class Grid(Result):
    """Tokens of the structure, and float32 [K, 4] left, top, right, bottom of the cells."""

    tokens: tuple
    cells: np.ndarray
    described = "structures of grids"
    kind = "grid"

    def to_json(self):
        return json.dumps({"tokens": self.tokens, "cells": self.cells.round(1).tolist()})

    def to_line(self):
        return "".join(self.tokens) + "\t" + json.dumps(self.cells.round(1).tolist())

    def draw_on(self, image):
        picture = image.copy()
        for left, top, right, bottom in self.cells.astype(int).tolist():
            cv2.rectangle(picture, (left, top), (right, bottom), (0, 0, 255))
        return picture


class GridCodec(Codec):
    """End and padding are class 0; class i is the i-th token of the list."""

    end_id = padding_id = 0

    def __init__(self, tokens):
        self.classes = ("<end>", *tokens)

    @classmethod
    def from_options(cls, character_dict_path: str | None = None, character_dict: list[str] | None = None):
        if character_dict is None:
            with open(character_dict_path or "", encoding="utf-8") as file:
                character_dict = file.read().split()
        return cls(character_dict)

    @classmethod
    def of_size(cls, count):
        return cls([f"<{number}>" for number in range(count - 1)])

    def with_classes(self, classes):
        return GridCodec(classes[1:])

    def options(self):
        return {"character_dict": list(self.classes[1:])}

    def encode(self, text):
        return [self.classes.index(token) for token in text if token in self.classes]

    def decode(self, ids, probs=None):
        ended = [int(np.argmax(row == self.end_id)) if (row == self.end_id).any() else len(row) for row in ids]
        return [(tuple(self.classes[i] for i in row[:end]), 1.0) for row, end in zip(ids, ended)]


@TRANSFORMS.register()
class GridLabelEncode:
    needs = ("label", "shape")
    provides = ("structure", "boxes", "box_mask", "tokens")
    per_sample = ("tokens",)
    label_only = True
    codec_class = GridCodec

    def __init__(self, codec: Filled[GridCodec], length: int = 12) -> None:
        self.codec = codec
        self.length = length

    def __call__(self, sample, rng=None):
        label = json.loads(sample["label"])
        tokens, cells = label["tokens"], iter(label["cells"])
        height, width = sample["shape"][:2]
        sample["structure"] = np.full(self.length, self.codec.padding_id, np.int64)
        sample["boxes"] = np.zeros((self.length, 4), np.float32)
        sample["box_mask"] = np.zeros(self.length, np.float32)
        for place, token in enumerate(tokens):
            sample["structure"][place] = self.codec.encode([token])[0]
            if token == CELL:
                sample["boxes"][place] = np.array(next(cells)) / [width, height, width, height]
                sample["box_mask"][place] = 1
        sample["tokens"] = tokens
        return sample


@BACKBONES.register(scope="grid")
class GridNet(nn.Layer):
    def __init__(self, in_channels: Filled[int], width: int = 8) -> None:
        super().__init__()
        self.out_channels = 2 * width
        self.convs = nn.Sequential(
            nn.Conv2D(in_channels, width, 3, 4, padding=1), nn.ReLU(), nn.Conv2D(width, 2 * width, 3, 4, padding=1)
        )

    def forward(self, x):
        return F.relu(self.convs(x))


@HEADS.register(scope="grid")
class GridHead(Head):
    outputs = ("structure", "boxes")
    codec_class = GridCodec

    def __init__(self, in_channels: Filled[int], codec: Filled[GridCodec], length: int = 12) -> None:
        super().__init__(codec=codec)
        self.queries = self.create_parameter([length, in_channels])
        self.places = self.create_parameter([length, in_channels])
        self.structure = nn.Linear(in_channels, codec.num_outputs)
        self.boxes = nn.Linear(in_channels, 4)

    def class_tables(self, codec):
        return {"structure.weight": ClassTable(codec.output_names), "structure.bias": ClassTable(codec.output_names)}

    def forward(self, x):
        features = x.flatten(2).transpose([0, 2, 1])  # [B, H W, C]
        weights = F.softmax(self.queries.unsqueeze(0).matmul(features, transpose_y=True), axis=-1)
        read = weights.matmul(features) + self.places  # [B, length, C]
        return {"structure": F.softmax(self.structure(read), axis=-1), "boxes": F.sigmoid(self.boxes(read))}


@LOSSES.register(scope="grid")
class GridLoss(Loss):
    requires = ("structure", "boxes")
    needs = ("structure", "boxes", "box_mask")

    def __init__(self, box_weight: float = 2.0) -> None:
        super().__init__()
        self.box_weight = box_weight

    def forward(self, preds, batch):
        chosen = paddle.take_along_axis(preds["structure"], batch["structure"].unsqueeze(2), axis=2)
        structure = -paddle.log(chosen + 1e-6).mean()
        distances = (preds["boxes"] - batch["boxes"]).abs().sum(axis=2) * batch["box_mask"]
        boxes = distances.sum() / batch["box_mask"].sum().clip(min=1)
        return {"loss": structure + self.box_weight * boxes, "loss_structure": structure, "loss_boxes": boxes}


@POSTPROCESSES.register(scope="grid")
class GridDecode(PostProcess):
    requires = ("structure", "boxes")
    needs = ("shape",)
    result = Grid
    codec_class = GridCodec

    def __init__(self, codec: Filled[GridCodec]) -> None:
        super().__init__(codec)

    def __call__(self, preds, batch=None):
        results = []
        decoded = self.codec.decode(preds["structure"].argmax(axis=2))
        for (tokens, _), boxes, shape in zip(decoded, preds["boxes"], batch["shape"]):
            height, width = np.asarray(shape)[:2]
            cells = [box for token, box in zip(tokens, boxes) if token == CELL]
            results.append(Grid(tokens, np.array(cells, np.float32).reshape(-1, 4) * [width, height, width, height]))
        return results


@METRICS.register(scope="grid")
class GridMetric(Metric):
    needs = ("tokens",)
    result = Grid
    main_indicator = "same_length"

    def __init__(self) -> None:
        self.reset()

    def reset(self):
        self.total = self.same = self.same_length = 0

    def __call__(self, results, batch):
        for result, tokens in zip(results, batch["tokens"]):
            self.total += 1
            self.same += list(result.tokens) == list(tokens)
            self.same_length += len(result.tokens) == len(tokens)

    def get_metric(self):
        total = max(self.total, 1)
        return {"same": self.same / total, "same_length": self.same_length / total}

    def state(self):
        return {"total": self.total, "same": self.same, "same_length": self.same_length}

    def merge(self, states):
        self.reset()
        for state in states:
            for name, count in state.items():
                setattr(self, name, getattr(self, name) + count)
