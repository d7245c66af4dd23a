"""ppocr: a config-driven toolkit that trains, evaluates, exports and runs OCR models on PaddlePaddle."""

__version__ = "0.1.0"
