"""`cngstation verify`: proves the books from the file, daemons up or down."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.config import load_config
from cngstation.errors import ConfigError, StationError
from cngstation.services.verify_books import Proof, verify_file

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
WRONG, USAGE, UNREACHED = 1, 2, 3


def run(arguments: Sequence[str]) -> int:
    """Verify and print the verdict; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation verify")
    parser.add_argument("--database", type=Path, help="the station's file")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    given = parser.parse_args(arguments)
    try:
        path = given.database or load_config(given.config).paths.database
        proof = verify_file(path)
    except ConfigError as error:
        sys.stderr.write(f"cngstation verify: {error.sentence()}\n")
        return USAGE
    except StationError as error:
        sys.stderr.write(f"cngstation verify: {error.sentence()}\n")
        return UNREACHED
    sys.stdout.write(_json(proof) if given.json else _sentence(proof))
    return 0 if proof.proved else WRONG


def _json(proof: Proof) -> str:
    verdict = {
        "schema": 1,
        "verify": "proved" if proof.proved else "failed",
        "first_bad": proof.first_bad,
        "ledger_head": proof.head,
        "rows": proof.rows,
        "open_rows": proof.open_rows,
    }
    return json.dumps(verdict, ensure_ascii=False) + "\n"


def _sentence(proof: Proof) -> str:
    if proof.proved:
        return (
            f"The books are proved: {proof.rows} rows, head {proof.head[:16]}, "
            f"{proof.open_rows} open rows.\n"
        )
    return f"The books are NOT proved. First bad row: {proof.first_bad}.\n"
