"""Optimizers, learning-rate schedules, parameter groups."""

from ppocr.optimizer.builder import build_optimizer as build_optimizer
