"""What a line's section means: a serial port, or a controller and its credential."""

from pathlib import Path
from typing import Any

import pytest

from cngstation.config.sections import Line
from cngstation.drivers.http_link import HttpSettings
from cngstation.drivers.serial_link import SerialSettings
from cngstation.errors import ConfigError
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.services.line_settings import (
    capabilities_of,
    dialogue_of,
    downloads_of,
    nozzles_of,
    settings_of,
)
from cngstation.services.price_levels import levels_shown
from cngstation.units import Unit

NOZZLE = {"gun": 1, "nozzle_no": 1, "dispenser_no": 1, "unit": "kg", "unit_code": 0}


def line(**keys: Any) -> Line:
    return Line.model_validate({"name": "x", "nozzles": [NOZZLE], **keys})


def test_a_serial_line_has_a_port() -> None:
    """Speed, parity and stop bits are the file's and the protocol's."""
    settings = settings_of(line(protocol="jxv4", port="/dev/ttyS1", baud=9600))
    assert settings == SerialSettings("/dev/ttyS1", 9600)


def test_a_nozzle_shows_all_levels_or_one() -> None:
    """Without levels in the protocol: the posted one, or what the file says."""
    at = {"port": "/dev/ttyS1", "baud": 9600}
    one = [{**NOZZLE, "only_level": 1}]
    lines = [
        line(protocol="jxv4", **at),
        line(protocol="jxv4", **at, nozzles=one),
        line(protocol="dart", **at),
        line(protocol="dart", **at, nozzles=one),
    ]
    levels = [nozzles_of(one, "03160001")[1].only_level for one in lines]
    assert levels == [None, 1, 0, 1]
    assert levels_shown(lines) == {}  # some nozzle shows all of them
    assert levels_shown(lines[1:]) == {Unit.KG: {0, 1}}
    assert levels_shown([]) == {}


def test_a_controller_has_an_address_and_a_credential(tmp_path: Path) -> None:
    """The password is in memory, and in no text of the settings."""
    file = tmp_path / "controller"
    file.write_text("station\nhorse battery\n")
    section = line(
        protocol="pts",
        url="https://10.0.0.9/jsonPTS",
        credential=str(file),
        authentication="basic",
        certificate="ab" * 32,
    )
    settings = settings_of(section)
    assert isinstance(settings, HttpSettings)
    assert (settings.user, settings.password) == ("station", "horse battery")
    assert settings.certificate_sha256 == bytes.fromhex("ab" * 32)
    assert settings.is_basic
    assert "horse" not in repr(settings) + repr(section)
    assert dialogue_of(section) is not None


@pytest.mark.parametrize(
    "content", [None, "", "user\n", "user\n\n", "a:b\nc\n", "a\nb\nc\n", "\xff\nb\n"]
)
def test_a_credential_that_is_none_is_named_by_its_path(
    tmp_path: Path, content: str | None
) -> None:
    """The sentence tells the path and what belongs there, and nothing of the file."""
    file = tmp_path / "controller"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    section = line(protocol="pts", url="http://a/x", credential=str(file))
    with pytest.raises(ConfigError) as error:
        settings_of(section)
    assert str(file) in error.value.sentence()
    assert "password on its second" in error.value.sentence()


def test_a_dialect_can_do_what_its_option_says() -> None:
    """The adapter of JX-V4 authorises and has no lists; its own dialect has them."""
    own = line(protocol="jxv4", port="/dev/ttyS1", baud=9600)
    adapter = line(
        protocol="jxv4",
        port="/dev/ttyS1",
        baud=9600,
        options={"variant": "petrochina"},
    )
    assert Capability.AUTHORISE not in capabilities_of(own)
    assert Capability.AUTHORISE in capabilities_of(adapter)
    assert downloads_of(own) == frozenset(DownloadKind) - {DownloadKind.STATION}
    assert downloads_of(adapter) == {DownloadKind.PRICES}
