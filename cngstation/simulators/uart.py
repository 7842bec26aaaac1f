"""What a UART delivers when it is set otherwise than the one that sends.

Time runs in the sender's bit times. The receiver waits for the line to fall, and from
there takes the level in the middle of each of its own bits; it keeps a character whose
parity or stop bit is wrong, as Linux does. Behind a wrong stop bit it takes that bit
for the next start, as the 16550 does; behind a break it waits for the line to rise.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UartSetting:
    """Speed and parity of a UART with eight data bits."""

    baud: int
    parity: str = "none"
    stop_bits: int = 1


def delivered(
    data: bytes, sender: UartSetting, receiver: UartSetting, *, swapped: bool = False
) -> bytes:
    """Return what the receiver delivers of one answer between two silences."""
    line = "1" * 20
    for byte in data:
        line += "0" + f"{byte:08b}"[::-1]
        ones = f"{byte:b}".count("1")
        if sender.parity == "even":
            line += str(ones % 2)
        if sender.parity == "odd":
            line += str(1 - ones % 2)
        line += "1" * sender.stop_bits
    line += "1" * 40
    if swapped:
        line = line.translate(str.maketrans("01", "10"))
    scale = sender.baud / receiver.baud
    frame_bits = 9 if receiver.parity == "none" else 10
    out = bytearray()
    if swapped:
        # The line was pulled low when the sender switched itself on: a break.
        out.append(0)
    begin = _fall(line, 0.0)
    while begin is not None:
        centres = [begin + (bit + 0.5) * scale for bit in range(frame_bits + 1)]
        if centres[-1] >= len(line):
            break
        bits = [line[int(centre)] for centre in centres[1:9]]
        out.append(int("".join(reversed(bits)), 2))
        stop = line[int(centres[-1])]
        if stop == "0" and "1" in bits:
            # A wrong stop bit is taken for the start bit of the next character.
            begin = centres[-1] - 0.5 * scale
        else:
            begin = _fall(line, centres[-1])
    return bytes(out)


def _fall(line: str, now: float) -> float | None:
    """Return when the line next changes from 1 to 0."""
    at = int(now)
    if line[at] == "0":
        at = line.find("1", at)
        if at < 0:
            return None
    found = line.find("0", at)
    return None if found < 0 else float(found)
