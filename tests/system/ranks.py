"""What each rank of a launch over several networks runs: `ranks.py PLAN`, the commands of the JSON file in turn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ppocr import cli
from ppocr.commands.eval import evaluate
from ppocr.commands.train import train

COMMANDS = {"train": train, "eval": evaluate}


def main(plan: Path) -> int:
    """Run `[command, arguments]` after `[command, arguments]` and return the first exit code that is not zero."""
    for number, (command, arguments) in enumerate(json.loads(plan.read_text(encoding="utf-8"))):
        print(f"=== {number}", flush=True)
        code = cli.main(COMMANDS[command], None, arguments)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
