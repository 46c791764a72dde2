"""`python -m lcbench` is `lcbench`."""

from lcbench.cli import main

if __name__ == "__main__":
    main()
