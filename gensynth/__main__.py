"""`python -m gensynth` is the command line."""

from gensynth.cli.main import main

main()
