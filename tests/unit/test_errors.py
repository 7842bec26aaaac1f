"""One tree of errors: stable codes, sentences with their facts, what money did."""

import importlib
import pkgutil

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
