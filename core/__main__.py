"""`python -m core`: the command line."""

import gc
import importlib


def run() -> None:
    """Load everything, then run the command.

    What is loaded stays: the garbage collector is kept from walking through it, again and again
    while it grows and once more in the middle of the work.
    """
    gc.disable()
    main = importlib.import_module("core.cli").main
    gc.freeze()
    gc.enable()
    main()


if __name__ == "__main__":
    run()
