"""`python -m core`: the command line."""

import gc

from core.cli import main

if __name__ == "__main__":
    gc.freeze()  # what is loaded stays: the collector need not walk through it in mid-work
    main()
