#!/usr/bin/env python3
"""Read labelled lines with an exported model: print predictions, count the right ones, draw a contact sheet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr.cli import guarded, prepare_environment  # noqa: E402


def show(args: argparse.Namespace) -> None:
    """Predict every line of a label file with an exported folder."""
    import cv2

    from ppocr.deploy.images import read_labels
    from ppocr.deploy.predictor import Predictor
    from ppocr.utils.draw import contact_sheet
    from ppocr.utils.image_io import decode_image, read_bytes

    pairs = read_labels(args.label_file, args.data_dir or args.label_file.parent)
    found = Predictor.from_folder(args.rec_model_dir).predict([path for path, _ in pairs], batch_size=32)
    texts = [p.result[0] if p.problem is None else "" for p in found]
    right = [text == label for text, (_, label) in zip(texts, pairs)]
    for prediction in found[: args.count]:
        answer = prediction.problem or f"{prediction.result[0]} ({prediction.result[1]:.3f})"
        print(f"{prediction.source} -> {answer}")
    # the wrong ones say most: all of them first, as far as there is room
    chosen = sorted(range(len(pairs)), key=lambda i: (right[i], i))[: args.sheet // 4]
    chosen += [i for i in range(len(pairs)) if i not in set(chosen)][: args.sheet - len(chosen)]
    images = [decode_image(read_bytes(pairs[i][0])) for i in chosen if found[i].problem is None]
    captions = [f"{texts[i]} (label {pairs[i][1]})" for i in chosen if found[i].problem is None]
    sheet = contact_sheet(images, captions, [right[i] for i in chosen if found[i].problem is None])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    print(f"{sum(right)} of {len(right)} lines are right ({sum(right) / len(right):.1%}); picture: {args.out}")


def main() -> None:
    """Parse the command line and show the predictions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rec_model_dir", type=Path, required=True, help="exported folder")
    parser.add_argument("--label_file", type=Path, required=True, help="image path, tab, text per line")
    parser.add_argument("--data_dir", type=Path, help="folder the paths start from; default: the label file's")
    parser.add_argument("--out", type=Path, default=Path("output/predictions.png"), help="picture to write")
    parser.add_argument("--count", type=int, default=10, help="predictions to print")
    parser.add_argument("--sheet", type=int, default=40, help="lines in the picture")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    prepare_environment()
    guarded(lambda: show(args), debug=args.debug)


if __name__ == "__main__":
    main()
