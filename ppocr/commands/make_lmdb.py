"""Copy the images and labels of a label file into an LMDB: one large file reads faster than many small ones."""

from __future__ import annotations

import argparse

from ppocr.cli import run_guarded


def make(args: argparse.Namespace) -> None:
    """Write the LMDB and say what was left out."""
    from ppocr.data.lmdb_writer import write_lmdb
    from ppocr.data.problems import printable

    written, problems = write_lmdb(args.label_file, args.data_dir, args.out)
    print(f"{written} samples: {args.out} (Train.dataset.name: LMDBDataSet, data_dir: {args.out})")
    for problem in problems[:20]:
        print(f"left out: {printable(problem)}")
    if len(problems) > 20:
        print(f"left out: {len(problems)} samples in all")


def main() -> int:
    """Parse the command line and make the LMDB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label_file", required=True, help="lines of image path, tab, label")
    parser.add_argument("--data_dir", default=".", help="folder the image paths start from")
    parser.add_argument("--out", required=True, help="folder of the LMDB, made if it is not there")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    return run_guarded(lambda: make(args), debug=args.debug)
