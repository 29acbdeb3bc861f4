"""`python -m trafficjobs`, and the program `trafficjobs` that the wheel installs."""

import sys


def main() -> None:
    """Run the command line on this process's arguments, and end with its exit code."""
    from trafficjobs.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
