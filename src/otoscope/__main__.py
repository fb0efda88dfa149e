"""`python -m otoscope` is the `otoscope` command."""

import sys

from otoscope.cli import main

if __name__ == "__main__":
    sys.exit(main())
