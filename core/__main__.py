"""`python -m core`: the command line."""

import gc
import sys

if __name__ == "__main__":  # the processes that hold a model import this file, not to run it
    gc.disable()
    sys.modules["pandas"] = None  # type: ignore[assignment]  # sqlite_utils would load it, unused
    from core.cli import main

    del sys.modules["pandas"]
    gc.enable()
    gc.freeze()  # what is loaded stays: the collector need not walk through it in mid-work
    main()
