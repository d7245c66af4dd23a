"""What runs a network at prediction time: Paddle Inference, ONNX Runtime, OpenVINO, or a model in memory.

`base` holds the interface and the options, `choose` makes the backend that the options ask for.
"""
