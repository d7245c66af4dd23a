"""`python -m ppocr COMMAND ...` is the console command `ppocr COMMAND ...`."""

import sys

from ppocr.commands import main

if __name__ == "__main__":
    sys.exit(main())
