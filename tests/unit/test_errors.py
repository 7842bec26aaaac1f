"""One tree of errors: stable codes, sentences with their facts, what money did."""

import importlib
import os
import pickle
import pkgutil
import signal

import pytest

import cngstation
from cngstation import hygiene
from cngstation.errors import (
    CommitUncertain,
    DatabaseBusy,
    MoneyMoved,
    Refusal,
    StationError,
    registered,
)
from cngstation.services.work_aside import WorkBrokenOff, in_worker


def test_a_code_is_used_once() -> None:
    """A second class with a code, or one without its own, is a TypeError at import."""
    with pytest.raises(TypeError, match="used twice"):
        type("Twin", (StationError,), {"code": "refusal"})
    with pytest.raises(TypeError, match="no code"):
        type("Bare", (Refusal,), {})
    assert registered()["refusal"] is Refusal


def test_facts_fill_the_sentence() -> None:
    """Facts are data: braces in them stay, and a missing one is seen to be missing."""
    busy = DatabaseBusy(wait_ms=5000)
    assert "busy for 5000 ms" in str(busy)
    assert busy.facts == {"wait_ms": 5000}
    assert "({why})" in CommitUncertain().sentence()
    assert "{0.x}" in CommitUncertain(why="{0.x}").sentence()


def test_every_error_of_the_product_is_a_sentence() -> None:
    """Clean text that ends as a sentence; a refusal never moved money."""
    for found in pkgutil.walk_packages(cngstation.__path__, "cngstation."):
        importlib.import_module(found.name)
    odd = [
        code
        for code, kind in registered().items()
        if kind.__module__.startswith("cngstation.")
        and (
            kind.text[-1] not in ".}"
            or not hygiene.is_clean(kind.text)
            or (issubclass(kind, Refusal) and kind.money is not MoneyMoved.NO)
        )
    ]
    assert odd == []


OURS = [
    kind for kind in registered().values() if kind.__module__.startswith("cngstation.")
]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.code)
def test_an_error_crosses_to_another_process_whole(kind: type[StationError]) -> None:
    """What a worker raises is the same sentence here."""
    error = kind.__new__(kind)
    StationError.__init__(error, why="full", problems="a")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.facts, str(back)) == (error.facts, str(error))
    assert back.sentence() == error.sentence()


async def test_a_worker_tells_what_it_raised_and_that_it_was_ended() -> None:
    """Neither is lost in a broken pool."""
    with pytest.raises(CommitUncertain) as raised:
        await in_worker(_raises)
    assert raised.value.facts == {"why": "full"}
    with pytest.raises(WorkBrokenOff):
        await in_worker(_is_killed)


def _raises() -> None:
    raise CommitUncertain(why="full")


def _is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
