"""Read the text of pages: ppocr ocr page.png, ppocr ocr scans/ --json=found.json --pdf=searchable.pdf"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ppocr import cli

if TYPE_CHECKING:
    from ppocr.system.page_result import PageResult
    from ppocr.system.pages import PageProblem

logger = logging.getLogger(__name__)

TEXTS = ("text", "json", "markdown", "hocr")  # outputs that may go to stdout


def read(arguments: list[str] | None = None) -> None:
    """Read the pages the arguments name, print their texts and write what is asked for.

    Args:
        arguments: instead of those of the process.

    Raises:
        PpocrError: an argument or a model cannot be used, or no page can be read.
    """
    cli.prepare_environment()
    from ppocr.errors import DataError
    from ppocr.system.outputs import outputs
    from ppocr.system.pages import PageProblem

    found, parameters = parsed(arguments)
    read = failed = 0
    problem = ""
    with ExitStack() as stack:
        written = [stack.enter_context(output) for output in outputs(vars(found), TEXTS)]
        for page in _pages(found, parameters):
            if isinstance(page, PageProblem):
                failed, problem = failed + 1, problem or str(page)
                print(f"not read: {page}", file=sys.stderr, flush=True)
                continue
            read += 1
            for output in written:
                output.add(page)
    if not read:
        raise DataError(f"none of {failed} pages could be read: {problem}")
    logger.log(logging.WARNING if failed else logging.INFO, "%d pages read, %d not", read, failed)


def _pages(found: argparse.Namespace, parameters: dict[str, Any]) -> Iterator[PageResult | PageProblem]:
    from ppocr.system.api import OCR
    from ppocr.system.processes import read_in_processes

    source = found.pages[0] if len(found.pages) == 1 else found.pages
    if found.use_mp:
        return read_in_processes(source, parameters, found.total_process_num)
    return OCR(**parameters).stream(source)


def parsed(arguments: list[str] | None = None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """Return the arguments of the command, and the parameters of `OCR` among them.

    Args:
        arguments: instead of those of the process.

    Raises:
        ConfigError: an argument is unknown or asks for what is not done here.
    """
    from ppocr.arguments import true_or_false
    from ppocr.deploy import ecosystem_arguments
    from ppocr.errors import ConfigError
    from ppocr.suggestions import did_you_mean
    from ppocr.system import page_arguments, parameters

    description = "Read the text of pages; see docs/reading.md."
    parser = argparse.ArgumentParser(usage="ppocr ocr PAGE ... [options]", description=description, allow_abbrev=False)
    add = parser.add_argument
    add("pages", nargs="+", metavar="PAGE", help="image, PDF, TIFF, video, folder, pattern, or text file listing paths")
    for name in TEXTS:
        add(f"--{name}", nargs="?", const="-", metavar="FILE", help=f"the pages as {name}, to stdout without a file")
    add("--pdf", metavar="FILE", help="searchable PDF of the pages")
    add("--draw", metavar="FOLDER", help="folder for pictures of the pages beside their texts")
    add("--use_mp", type=true_or_false, default=False, help="split the files over processes")
    add("--total_process_num", type=int, default=2, metavar="N", help="processes of --use_mp (default 2)")
    add("--debug", action="store_true", help="show tracebacks")
    page_arguments.add(parser)
    ecosystem_arguments.add_ecosystem(parser, {}, shown=False)
    found, left = parser.parse_known_args(arguments)
    for text in left:
        name = text.split("=")[0].lstrip("-")
        renamed = parameters.RENAMED.get(name)
        known = [option.lstrip("-") for option in parser._option_string_actions]
        near = f", it is called --{renamed} here" if renamed else did_you_mean(name, known)
        raise ConfigError(f"{text}: unknown argument{near}", "see --help")
    ecosystem_arguments.check_ecosystem(vars(found))
    return found, page_arguments.given(vars(found))


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = None if arguments is None else list(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(lambda: read(given), debug="--debug" in (given or sys.argv))
