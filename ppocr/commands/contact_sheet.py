"""Compare an exported model's predictions with labels: print some, score all, draw a contact sheet."""

from __future__ import annotations

import argparse
from pathlib import Path

from ppocr.cli import prepare_environment, run_guarded

MODELS = {"rec": "recogniser", "cls": "classifier of lines", "det": "detector"}


def show(args: argparse.Namespace) -> None:
    """Predict every image of a label file with an exported folder."""
    prepare_environment()
    import cv2

    from ppocr.deploy.inference_config import load_of_kind
    from ppocr.deploy.predictor import Predictor
    from ppocr.deploy.visualisation import COMPARISONS
    from ppocr.plugins import import_plugins
    from ppocr.results import KINDS

    import_plugins(args.plugins)
    kind, model = next((kind, vars(args)[f"{kind}_model_dir"]) for kind in MODELS if vars(args)[f"{kind}_model_dir"])
    config = load_of_kind(model, KINDS[kind], "give it as --{}_model_dir")
    picture, said = COMPARISONS[KINDS[kind]](
        Predictor.from_folder(model, config=config, resize="evaluation"),  # its metric is that of tools/eval.py
        args.label_file,
        args.data_dir or args.label_file.parent,
        args.count,
        args.sheet,
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    print(f"{said}; picture: {args.out}")


def main() -> int:
    """Parse the command line and show the predictions."""
    parser = argparse.ArgumentParser(description=__doc__)
    model = parser.add_mutually_exclusive_group(required=True)
    for kind, what in MODELS.items():
        model.add_argument(f"--{kind}_model_dir", type=Path, help=f"exported folder of a {what}")
    parser.add_argument("--label_file", type=Path, required=True, help="image path, tab, label per line")
    parser.add_argument("--data_dir", type=Path, help="folder the paths start from; default: the label file's")
    parser.add_argument("--out", type=Path, default=Path("output/predictions.png"), help="picture to write")
    parser.add_argument("--count", type=int, default=10, help="predictions to print")
    parser.add_argument("--sheet", type=int, default=40, help="lines or images in the picture")
    parser.add_argument("--plugins", nargs="+", default=[], help="folders of Python files with classes of your own")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    return run_guarded(lambda: show(args), debug=args.debug)
