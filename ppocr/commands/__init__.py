"""The commands: `ppocr NAME ...` where the package is installed, `python tools/NAME.py ...` in a clone."""

from __future__ import annotations

import importlib
import sys

from ppocr.suggestions import did_you_mean

USAGE = 2  # exit code of a wrong command line, as argparse has it
# name: module whose `main` parses the command line and returns the exit code, behind a colon its argument; what it does
COMMANDS = {
    "ocr": ("ppocr.commands.ocr", "read the text of pages"),
    "train": ("ppocr.commands.train", "train a network"),
    "eval": ("ppocr.commands.eval", "measure trained weights"),
    "export_model": ("ppocr.commands.export_model", "export trained weights for prediction"),
    "infer": ("ppocr.commands.infer", "predict with trained weights of any kind"),
    "infer_det": ("ppocr.commands.infer:det", "find text with trained weights"),
    "infer_rec": ("ppocr.commands.infer:rec", "recognise text lines with trained weights"),
    "infer_cls": ("ppocr.commands.infer:cls", "classify images with trained weights"),
    "predict": ("ppocr.commands.predict", "predict with an exported model of any kind"),
    "predict_det": ("ppocr.commands.predict:det", "find text with an exported model"),
    "predict_rec": ("ppocr.commands.predict:rec", "recognise text lines with an exported model"),
    "predict_system": ("ppocr.commands.predict_system", "read the text of pages, with the arguments of the ecosystem"),
    "predict_cls": ("ppocr.commands.predict:cls", "classify images with an exported model"),
    "onnx": ("ppocr.commands.onnx", "convert exported models to ONNX"),
    "pretrained": ("ppocr.commands.pretrained", "official weights as starting points"),
    "make_dataset": ("ppocr.commands.make_dataset", "make a small data set"),
    "make_lmdb": ("ppocr.commands.make_lmdb", "copy images and labels into an LMDB"),
    "gen_label": ("ppocr.utils.gen_label", "turn ICDAR's label files into ours"),
    "contact_sheet": ("ppocr.commands.contact_sheet", "compare an exported model's predictions with labels"),
}
ALIASES = {"export": "export_model"}


def run(name: str) -> int:
    """Run a command with the arguments of the process and return its exit code."""
    module, _, kind = COMMANDS[name][0].partition(":")
    return importlib.import_module(module).main(*([kind] if kind else []))


def main() -> int:
    """Run the command that the first argument names, with the arguments after it, and return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    name = ALIASES.get(name, name)
    if name in COMMANDS:
        sys.argv[:2] = [f"ppocr {name}"]  # argparse shows it as the program's name
        return run(name)
    if name in ("-h", "--help"):
        print("usage: ppocr COMMAND ...   (ppocr COMMAND --help lists its options)\n")
        print("\n".join(f"  {command:14} {what}" for command, (_, what) in COMMANDS.items()))
        return 0 if len(sys.argv) > 1 else USAGE
    print(f"error: ppocr: unknown command {name!r}{did_you_mean(name, COMMANDS)}", file=sys.stderr)
    print("hint: ppocr --help lists the commands", file=sys.stderr)
    return USAGE
