"""``python -m adbench``: the command line."""

from adbench.cli import main

if __name__ == "__main__":
    main()
