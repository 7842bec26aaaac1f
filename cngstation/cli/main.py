"""The `cngstation` command: finds the subcommand and hands over; each loads its own.

Exit codes: 0 done, 1 found something wrong, 2 usage, 3 could not reach what it needs.
"""

import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "centre": "head office's side: its key, and the answer to a station's request",
    "demo": "a whole station on simulated hardware",
    "digest": "what a manager should look at of a business day",
    "doctor": "what is likely wrong with lines, devices, disk and books",
    "enrol": "belong to head office: request, certificate, state",
    "export": "the books in one file for an auditor, and the program that checks it",
    "import": "customers, cards and balances of an old system",
    "init": "set a new station up: configuration, database, first administrator",
    "initialise": "begin new books at the end of a trial; the old ones are archived",
    "lists": "card numbers of a file onto the dispensers' lists",
    "reseal": "another key for the personal numbers",
    "sniff": "what goes over a line of dispensers, in words",
    "tui": "the screen of the cashier and the technician",
    "vendor": "let a technician of the vendor in, by a signed ticket",
    "verify": "prove the books",
    "vouch": "say as root that an operator is another person",
}
# What a station writes is for its own user and group, whoever starts the command.
UMASK = 0o007
_MODULES = {"import": "import_customers"}  # `import` names no module


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand; does not return."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in {"-h", "--help"}:
        sys.stdout.write(_usage())
        sys.exit(0 if given else 2)
    name, *rest = given
    if name not in COMMANDS:
        sys.stderr.write(f"cngstation: there is no command {name!r}.\n\n{_usage()}")
        sys.exit(2)
    os.umask(UMASK)
    module = importlib.import_module(f"cngstation.cli.{_MODULES.get(name, name)}")
    sys.exit(module.run(rest))


def _usage() -> str:
    lines = [f"  {name:<11} {text}" for name, text in COMMANDS.items()]
    return "usage: cngstation COMMAND [...]\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
