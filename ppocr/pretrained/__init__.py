"""Official weights as starting points: readers of inference models, and their way into trainable networks."""
