"""`python -m ppocr COMMAND ...` is the console command `ppocr COMMAND ...`."""

from ppocr.program import run

if __name__ == "__main__":
    run()
