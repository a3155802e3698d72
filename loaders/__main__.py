"""`python -m loaders` is `daybook`."""

from loaders.cli import main

main()
