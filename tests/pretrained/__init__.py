"""Tests of ppocr.pretrained."""
