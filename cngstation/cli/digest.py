"""`cngstation digest`: what a manager should look at of a business day, from the file.

Exit codes: 0 shown, 2 usage, 3 the books could not be read.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from cngstation.config import StationConfig, load_config
from cngstation.domain.act_names import name_of
from cngstation.domain.digest import TITLES, DigestRow, sums_of
from cngstation.errors import ConfigError, StationError, StorageError
from cngstation.hygiene import clean
from cngstation.language import _, use_language
from cngstation.moments import SystemClock, time_text
from cngstation.services.keep_digest import digest_keeper
from cngstation.storage.digests import Digest
from cngstation.storage.sqlite import FAILURES, connect

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
USAGE, UNREACHED = 2, 3


def run(arguments: Sequence[str]) -> int:
    """Print the digest of a day; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation digest")
    parser.add_argument("--day", type=date.fromisoformat, help="today where left out")
    parser.add_argument("--lang", choices=("zh_CN", "en"))
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    given = parser.parse_args(arguments)
    try:
        config = load_config(given.config)
        use_language(given.lang or config.station.language)
        digest = _digest(config, given.day.isoformat() if given.day else "")
    except ConfigError as error:
        sys.stderr.write(f"cngstation digest: {error.sentence()}\n")
        return USAGE
    except StationError as error:
        sys.stderr.write(f"cngstation digest: {error.sentence()}\n")
        return UNREACHED
    sys.stdout.write("\n".join(lines_of(digest)) + "\n")
    return 0


def _digest(config: StationConfig, day: str) -> Digest:
    path = config.paths.database
    try:
        with closing(connect(path, read_only=True)) as connection:
            connection.execute("BEGIN")
            keeper = digest_keeper(config, SystemClock())
            return keeper.of(connection, day or keeper.today(connection))
    except FAILURES as error:
        raise StorageError(why=f"{path}: {error}") from error


def lines_of(digest: Digest) -> Iterator[str]:
    """Yield the lines of a digest: sums first, then each section that has rows."""
    kept = _("closed, in the books") if digest.seq else _("not closed yet")
    title = _("Daily digest")
    yield f"{title} {digest.business_day} ({kept})"
    for section, count in sums_of(digest.rows).items():
        yield f"  {_(TITLES[section])}: {count}"
    shown = None
    for row in digest.rows:
        if row.section is not shown:
            shown = row.section
            yield f"{_(TITLES[shown])}:"
        yield f"  {_line(row)}"


def _line(row: DigestRow) -> str:
    people = " + ".join(one for one in (row.first_no, row.second_no) if one)
    change = " > ".join(one for one in (row.before, row.after) if one)
    times = f"{row.times} x" if row.times > 1 else ""
    parts = (
        time_text(row.at_ms), name_of(row.act), row.subject, times, people,
        row.terminal, change, row.reason, f"#{row.seq}",
    )  # fmt: skip
    return "  ".join(clean(part) for part in parts if part)
