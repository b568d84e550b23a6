"""The door to the command line."""

import sys

from nn_from_scratch.supervised import main

if __name__ == "__main__":
    sys.exit(main())
