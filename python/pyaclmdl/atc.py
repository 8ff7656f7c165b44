# SPDX-License-Identifier: Apache-2.0
"""The console command `atc`: becomes the Swift program that lies in the package `acl`."""

import os
import sys


def main() -> None:
    # Both packages lie in one folder. Nothing else is imported: starting must be quick.
    program = os.path.join(os.path.dirname(os.path.dirname(__file__)), "acl", "atc")
    try:
        os.execv(program, ["atc", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"atc: cannot start {program}: {error.strerror}")


if __name__ == "__main__":
    main()
