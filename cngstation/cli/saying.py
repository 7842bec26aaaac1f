"""What a command says when it fails, in the user's language, and its exit code."""

import sys
from collections.abc import Callable

from cngstation import hygiene
from cngstation.errors import ConfigError, Refusal, StationError
from cngstation.language import _

REFUSED, USAGE, UNREACHED = 1, 2, 3
LONGEST_TEXT = 800


def sentence(error: StationError) -> str:
    """Return a failure in the user's language, fit for a terminal."""
    facts = {k: _(v) if isinstance(v, str) else v for k, v in error.facts.items()}
    return hygiene.clean(_(error.text).format_map(facts), limit=LONGEST_TEXT)


def guarded(program: str, work: Callable[[], int]) -> int:
    """Run a command; a failure is one sentence on standard error."""
    try:
        return work()
    except ConfigError as error:
        return said(program, error.sentence(), USAGE)
    except Refusal as refused:
        return said(program, sentence(refused), REFUSED)
    except StationError as error:
        return said(program, sentence(error), UNREACHED)
    except OSError as error:
        return said(program, hygiene.clean(str(error), limit=LONGEST_TEXT), UNREACHED)
    except KeyboardInterrupt:
        return said(program, _("Broken off. Nothing was changed."), UNREACHED)


def said(program: str, text: str, code: int) -> int:
    """Say why nothing was done; return the exit code."""
    sys.stderr.write(f"{program}: {text}\n")
    return code
