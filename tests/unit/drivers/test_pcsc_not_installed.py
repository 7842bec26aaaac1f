"""A station without pyscard that is told to use a PC/SC reader."""

import sys

import pytest

from cngstation.config.sections import Reader
from cngstation.drivers.open_reader import open_reader
from cngstation.errors import DeviceUnavailable


async def test_a_missing_package_is_a_reader_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The screen says what to install; the counter runs without its reader."""
    monkeypatch.delitem(sys.modules, "cngstation.drivers.pcsc_link", raising=False)
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    with pytest.raises(DeviceUnavailable, match=r"install cngstation\[pcsc\]"):
        await open_reader(Reader(kind="pcsc", name="ACS 00 00"))
