"""``python -m trinode``: the command, also where its script is not on the path."""

from trinode.cli.main import run

if __name__ == "__main__":
    run()
