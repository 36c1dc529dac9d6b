"""`python3 -m backend.release`, as install.sh calls it: bundle, install, update, rollback."""

import argparse
import sys
from pathlib import Path

from backend.records import UserError
from backend.release import change, place, wheels
from backend.settings import PROJECT


def main() -> None:
    options = _parser().parse_args()
    try:
        if options.verb == "bundle":
            print(f"Wrote {wheels.make(options.to, options.key, options.torch)}.")
        elif options.verb == "install":
            change.install(options.bundle, options.key, options.to, options.storage)
        elif options.verb == "update":
            change.update(place.of_program(PROJECT), options.bundle)
        else:
            change.roll_back(place.of_program(PROJECT))
    except UserError as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="install.sh", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("bundle", help="write everything that an installation needs")
    make.add_argument("--key", type=Path, required=True, help="the plant's private key (OpenSSH)")
    make.add_argument("--to", type=Path, default=Path(), help="file or folder [here]")
    make.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto")
    install = verbs.add_parser("install", help="install a bundle, without a network")
    install.add_argument("bundle", type=Path)
    install.add_argument("--key", type=Path, required=True, help="the plant's public key")
    install.add_argument("--to", type=Path, default=Path("/opt/defect-distillery"))
    install.add_argument("--storage", type=Path, help="where all state lies [TO/storage]")
    update = verbs.add_parser("update", help="use a newer bundle; back by itself if it fails")
    update.add_argument("bundle", type=Path)
    verbs.add_parser("rollback", help="use the release before again")
    return parser


if __name__ == "__main__":
    main()
