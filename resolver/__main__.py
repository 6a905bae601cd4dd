"""`python -m resolver`."""

from resolver.cli import run

if __name__ == "__main__":
    run()
