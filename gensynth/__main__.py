"""`python -m gensynth` is the command line."""

from gensynth.cli import main

main()
