"""`cngstation sniff`: captures and live ports in words, and nothing is ever sent."""

import os
import pty
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.cli import sniff
from cngstation.drivers.capture_file import entry_line, read_capture
from cngstation.drivers.frame_log import FrameLog
from cngstation.language import use_language
from cngstation.protocols.dispenser.registry import PROTOCOLS
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.test_taps import TALKS


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language("en")


def _sniffed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = sniff.run([*arguments, "--language", "en"])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("protocol", TALKS)
def test_a_raw_capture_names_its_protocol(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, protocol: str
) -> None:
    """One line a frame, the protocol first, the scores last."""
    capture = tmp_path / "capture.bin"
    talk = b"".join(wire for wire, *_rest in TALKS[protocol])
    capture.write_bytes(b"\xfe" + talk * 4)
    code, text = _sniffed(capsys, str(capture))
    lines = text.splitlines()
    assert code == 0
    assert lines[0] == f"# {PROTOCOLS[protocol].title}"
    frames = [line for line in lines if not line.startswith("#")]
    assert len(frames) == 4 * len(TALKS[protocol])
    assert any(" → " in line for line in frames)
    assert f"{PROTOCOLS[protocol].title}: {len(frames)} frames" in text


def test_what_the_frame_log_keeps_is_a_capture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Lines with time and hex are read back, their times stand before the frames."""
    log = FrameLog()
    log.sent(vectors.POLL, 12_345_678)
    log.received(vectors.FUELLING, 12_400_000)
    capture = tmp_path / "capture.txt"
    capture.write_text("# line 1\n" + "\n".join(map(entry_line, log.frames())))
    assert [piece.data for piece in read_capture(capture)] == [
        vectors.POLL,
        vectors.FUELLING,
    ]
    code, text = _sniffed(capsys, str(capture))
    assert code == 0
    assert "   12.345678 →   1 poll  time 2025-06-01 08:30:15" in text
    assert "12.400000 ←   1 status  state A4H fuelling  price 3.98" in text


def test_its_own_capture_can_be_sniffed_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """--hex writes lines that are read as a capture."""
    raw, again = tmp_path / "raw", tmp_path / "again"
    raw.write_bytes(vectors.POLL + vectors.FUELLING)
    _code, text = _sniffed(capsys, str(raw), "--hex")
    again.write_text(text)
    assert read_capture(again)[1].data == vectors.FUELLING
    assert _sniffed(capsys, str(again))[0] == 0


def test_noise_is_no_protocol(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Bytes that nothing explains end with 1 and say what to try."""
    capture = tmp_path / "noise"
    capture.write_bytes(bytes(range(256)) * 3)
    code, text = _sniffed(capsys, str(capture))
    assert code == 1
    assert "No protocol explains them" in text


def test_what_cannot_be_read_is_three(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A missing capture is told in one sentence."""
    assert sniff.run([str(tmp_path / "none"), "--language", "zh_CN"]) == 3
    assert "无法读取" in capsys.readouterr().err


def test_a_live_port_is_only_listened_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pty is decoded as it talks; not one byte goes the other way."""
    far, near = pty.openpty()
    tty.setraw(near)
    os.set_blocking(far, False)
    monkeypatch.setattr(sniff, "TRIAL_S", 0.05)
    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.01):
            os.write(far, vectors.POLL + vectors.FUELLING)

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        code, text = _sniffed(capsys, os.ttyname(near), "--seconds", "0.4")
    finally:
        stop.set()
        speaker.join()
    assert code == 0
    assert "# JX-V4" in text
    assert "fuelling" in text
    with pytest.raises(BlockingIOError):
        os.read(far, 1)
    os.close(far)
    os.close(near)
