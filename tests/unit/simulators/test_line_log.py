"""The figures by which a host is judged: exchanges, rounds and W."""

from cngstation.simulators.line_log import LineLog
from cngstation.simulators.wire import Sent
from tests.unit.simulators.bench_gun import host_frame

BYTE_S = 10 / 9600
POLL_BODY = bytes(13)


class Scene:
    """A line of two guns, seen from 1000 s on."""

    def __init__(self) -> None:
        self.log = LineLog(frozenset({1, 2}), BYTE_S, opened=1000.0)

    def poll(self, gun: int, at: float, turnaround: float | None = 0.05) -> None:
        self.frame(host_frame(gun, 0x51, POLL_BODY), gun, at, turnaround, 95)

    def frame(
        self, data: bytes, gun: int, at: float, turnaround: float | None, size: int = 0
    ) -> None:
        start = 1000 + at
        self.log.host_sent(data, start)
        if turnaround is not None:
            begin = start + len(data) * BYTE_S + turnaround
            self.log.answered_by(gun, Sent(begin, size))


def test_an_exchange_has_its_true_figures() -> None:
    """Request bytes, turnaround in us, answer bytes, start."""
    scene = Scene()
    scene.poll(1, 0.5, turnaround=0.0421)
    scene.frame(host_frame(1, 0x52, bytes(6)), 1, 0.8, turnaround=None)
    assert scene.log.since(0) == [
        {
            "no": 0,
            "at_us": 500_000,
            "gun": 1,
            "command": "51",
            "request_bytes": 24,
            "turnaround_us": 42_100,
            "answer_bytes": 95,
        },
        {
            "no": 1,
            "at_us": 800_000,
            "gun": 1,
            "command": "52",
            "request_bytes": 17,
            "turnaround_us": None,
            "answer_bytes": 0,
        },
    ]
    assert scene.log.since(1) == scene.log.since(0)[1:]
    assert scene.log.limits()["least_gap_us"] == 300_000


def test_w_is_the_sum_of_what_each_exchange_needs() -> None:
    """max(110 ms, wire + turnaround) each; a round ends after every gun's poll."""
    scene = Scene()
    for begin in (0.0, 1.0, 2.0):
        scene.poll(1, begin, turnaround=0.05)  # 123.96 + 50 ms
        scene.frame(host_frame(1, 0x52, bytes(6)), 1, begin + 0.3, None)  # 110 ms
        scene.poll(2, begin + 0.5, turnaround=None)  # 25 ms on the wire: 110 ms
    figures = scene.log.limits()
    assert figures["rounds"] == 2
    assert figures["median_w_us"] == 123_958 + 50_000 + 110_000 + 110_000
    assert figures["median_cycle_us"] == 1_000_000
    assert (figures["frames_received"], figures["frames_answered"]) == (9, 3)


def test_a_gun_polled_more_often_belongs_to_the_round() -> None:
    """A round is not over until every gun was polled."""
    scene = Scene()
    for gun, at in ((1, 0.0), (1, 0.2), (2, 0.4), (1, 0.6)):
        scene.poll(gun, at)
    assert scene.log.limits()["rounds"] == 1
    assert scene.log.limits()["median_cycle_us"] == 600_000


def test_frames_are_found_in_any_pieces_and_in_noise() -> None:
    """Split writes count from their first byte; other bytes are strays."""
    scene = Scene()
    data = host_frame(1, 0x51, POLL_BODY)
    scene.log.host_sent(b"\x00\xaa" + data[:3], 1000.0)
    scene.log.host_sent(data[3:] + data, 1000.0 + 5 * BYTE_S)
    seen = scene.log.since(0)
    assert [one["at_us"] for one in seen] == [2083, 27083]
    assert scene.log.stray_bytes == 2


def test_a_start_with_an_absurd_length_is_skipped() -> None:
    """Noise that looks like a start does not swallow the frames behind it."""
    scene = Scene()
    data = host_frame(1, 0x51, POLL_BODY)
    scene.log.host_sent(b"\xaa\xff\x01\x00\x51\xff\xff" + data, 1000.0)
    assert len(scene.log.since(0)) == 1
    assert scene.log.stray_bytes == 7


def test_a_late_answer_joins_the_request_before_it() -> None:
    """The answer to an older request is not counted as a very fast one."""
    scene = Scene()
    scene.poll(1, 0.0, turnaround=None)
    scene.log.host_sent(host_frame(1, 0x51, POLL_BODY), 1000.1)
    scene.log.answered_by(1, Sent(1000.11, 95))
    turnarounds = [one["turnaround_us"] for one in scene.log.since(0)]
    assert turnarounds == [85_000, None]
