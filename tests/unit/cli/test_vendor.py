"""Head office signs a ticket, the station's administrator lets its holder in."""

import io
import re
import sys
from pathlib import Path

import pytest

from cngstation.cli import centre, vendor
from cngstation.cli.saying import REFUSED, USAGE
from cngstation.services.passwords import Passwords
from tests.unit.cli.test_enrol import PASSWORD, config

__all__ = ["config"]


def test_a_ticket_is_signed_and_taken(
    tmp_path: Path,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the key that the configuration pins; the password is told once."""
    monkeypatch.setattr(vendor, "Passwords", lambda: Passwords(8, 1))
    key, out = tmp_path / "office-key", tmp_path / "ticket.txt"
    assert centre.run(["--language=en", "new-key", str(key)]) == 0
    public = re.findall("Public key ([0-9a-f]{64})", capsys.readouterr().out)[0]
    sign = [
        "--language=en", "sign-ticket", "--station=03160002", "--holder=赵工",
        "--reason=the reader fails", f"--key={key}", f"--out={out}",
    ]  # fmt: skip
    for wrong in ("--hours=169", "--rights=card.top_up", "--station=1", "--holder="):
        assert centre.run([*sign, wrong]) == USAGE
        assert wrong.partition("=")[0] in capsys.readouterr().err
    assert centre.run(sign) == 0
    capsys.readouterr()
    accept = [config, "--language=en", "accept", str(out), "--operator=boss"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert vendor.run(accept) == REFUSED
    assert "signed with a key" in capsys.readouterr().err
    file = tmp_path / "etc/station.toml"
    text = file.read_text("utf-8").replace(
        'head_office_key = ""', f'head_office_key = "{public}"'
    )
    file.write_text(text, "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert vendor.run(accept) == 0
    told = capsys.readouterr().out
    assert "赵工" in told
    assert "number V1" in told
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert vendor.run(accept) == REFUSED
    assert "used before" in capsys.readouterr().err
