"""DESFire commands against what real cards said, and against what none may say."""

from collections.abc import Callable
from typing import Any

import pytest

from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.commands import Rights, Version
from cngstation.protocols.desfire.frames import Conversation, call, unwrap, wrap
from cngstation.protocols.desfire.session import Session
from cngstation.protocols.desfire.status import (
    AUTHENTICATION,
    CardAnswersWrongly,
    CardReported,
)
from tests.unit.protocols.desfire import traces
from tests.unit.protocols.desfire.traces import play

RIGHTS = Rights(read=2, write=3, both=1, change=0)


def file_session() -> Session:
    """Return the session of the published trace with a data file."""
    return play(
        commands.authenticate(1, traces.FILE_KEY, traces.FILE_RANDOM_A),
        traces.FILE_AUTHENTICATION,
    )


def test_authentication_of_a_real_card() -> None:
    """Challenge, token, proof and the first code fit the published traces."""
    session = play(
        commands.authenticate(0, traces.NEW_KEY, traces.NEW_RANDOM_A),
        traces.NEW_AUTHENTICATION,
    )
    whole = Session(bytes.fromhex(traces.NEW_SESSION_KEY))
    assert session.count(b"\xc7") == whole.count(b"\xc7")
    whole = Session(bytes.fromhex(traces.FILE_SESSION_KEY))
    assert file_session().count(b"\xc7") == whole.count(b"\xc7")


def test_keys_changed_on_a_real_card() -> None:
    """The cryptogram of the shown key and of another one fit the published traces."""
    play(
        commands.change_shown_key(
            Session(bytes.fromhex(traces.NEW_SESSION_KEY)),
            0,
            traces.CHANGED_KEY,
            version=0x10,
        ),
        traces.CHANGE_OF_SHOWN_KEY,
    )
    play(
        commands.change_key(
            Session(traces.OTHER_SESSION_KEY),
            1,
            traces.CHANGED_KEY,
            old=bytes(16),
            version=0x10,
        ),
        traces.CHANGE_OF_OTHER_KEY,
    )


def test_codes_of_a_real_card() -> None:
    """All answers of a session of eight commands carry the code that is due."""
    session = file_session()
    for command, answer in traces.FILE_SESSION:
        session.count(bytes.fromhex(command))
        data = bytes.fromhex(answer)[1:]
        assert session.check(data, 0) == data[:-8]


def test_reading_a_file_of_a_real_card() -> None:
    """The command of the trace, sent by us at its place in the session."""
    session = file_session()
    for command, answer in traces.FILE_SESSION[:5]:
        session.count(bytes.fromhex(command))
        session.check(bytes.fromhex(answer)[1:], 0)
    found = play(commands.read_data(session, 5, 0x30), traces.FILE_SESSION[5:6])
    assert found == bytes(range(0x30))


@pytest.mark.parametrize("bit", range(0, 72, 7))
def test_a_changed_answer_is_never_taken(bit: int) -> None:
    """One bit of data or code, anywhere."""
    session = file_session()
    command, answer = traces.FILE_SESSION[1]
    session.count(bytes.fromhex(command))
    native = bytes.fromhex(answer)[1:]
    changed = (int.from_bytes(native, "big") ^ 1 << bit).to_bytes(len(native), "big")
    with pytest.raises(CardAnswersWrongly):
        session.check(changed, 0)


def test_an_answer_said_again_is_never_taken() -> None:
    """The code of a command before does not fit the next one."""
    session = file_session()
    for command, answer in traces.FILE_SESSION[:2]:
        session.count(bytes.fromhex(command))
        session.check(bytes.fromhex(answer)[1:], 0)
    session.count(bytes.fromhex(command))
    with pytest.raises(CardAnswersWrongly):
        session.check(bytes.fromhex(answer)[1:], 0)


def test_a_card_that_does_not_know_the_key_is_found_out() -> None:
    """A wrong proof, and a card that says so itself."""
    conversation = commands.authenticate(0, traces.NEW_KEY, traces.NEW_RANDOM_A)
    first, (second, _) = traces.NEW_AUTHENTICATION
    with pytest.raises(CardAnswersWrongly, match="know the key"):
        play(conversation, [first, (second, "00" + "80" * 16)])
    conversation = commands.authenticate(0, traces.NEW_KEY, traces.NEW_RANDOM_A)
    with pytest.raises(CardAnswersWrongly, match="proof"):
        play(conversation, [first, (second, "00" + "80" * 15)])
    for steps in ([("aa00", "ae")], [first, (second, "ae")]):
        conversation = commands.authenticate(0, traces.NEW_KEY, traces.NEW_RANDOM_A)
        with pytest.raises(CardReported) as refused:
            play(conversation, steps)
        assert refused.value.status == AUTHENTICATION


@pytest.mark.parametrize("steps", [[("aa00", "af" + "11" * 8)], [("aa00", "00")]])
def test_a_challenge_of_another_form_is_refused(steps: list[tuple[str, str]]) -> None:
    """Its length is that of one block, and it is not the end."""
    conversation = commands.authenticate(0, traces.NEW_KEY, traces.NEW_RANDOM_A)
    with pytest.raises((CardAnswersWrongly, CardReported)):
        play(conversation, steps)


UNCOUNTED: list[tuple[Callable[[], Conversation[Any]], list[tuple[str, str]], Any]] = [
    (
        commands.get_version,
        [
            ("60", "af04010101001805"),
            ("af", "af04010101041805"),
            ("af", "00045a3bfa142880" + "ba34503770" + "3212"),
        ],
        Version(4, 1, generation=1, uid=bytes.fromhex("045a3bfa142880")),
    ),
    (lambda: commands.select_application(b"CNG"), [("5a434e47", "00")], None),
    (commands.get_application_ids, [("6a", "00434e47010203")], [b"CNG", b"\1\2\3"]),
    (
        lambda: commands.create_application(b"CNG", 0x0B, 3),
        [("ca434e470b83", "00")],
        None,
    ),
    (lambda: commands.get_key_version(2), [("6402", "0010")], 0x10),
    (commands.get_file_ids, [("6f", "000103")], b"\1\3"),
]


@pytest.mark.parametrize(("begin", "steps", "meaning"), UNCOUNTED)
def test_commands_without_a_session(
    begin: Callable[[], Conversation[Any]], steps: list[tuple[str, str]], meaning: Any
) -> None:
    """What is said, frame by frame, and what the answer means."""
    assert play(begin(), steps) == meaning


@pytest.mark.parametrize(
    ("begin", "answer"),
    [
        (commands.get_version, "00" + "04" * 27),
        (commands.get_application_ids, "000102"),
        (lambda: commands.get_key_version(0), "00"),
    ],
)
def test_answers_of_another_form_are_refused(
    begin: Callable[[], Conversation[Any]], answer: str
) -> None:
    """A length that the answer cannot have."""
    native = bytes.fromhex(answer)
    conversation = begin()
    next(conversation)
    with pytest.raises(CardAnswersWrongly, match="wrong form"):
        conversation.send(native[1:] + b"\x91" + native[:1])


COUNTED: list[tuple[Callable[[Session], Conversation[Any]], str, bool, str, Any]] = [
    (
        lambda s: commands.create_backup_file(s, 2, RIGHTS, 48),
        "cb02011023300000", False, "", None,
    ),
    (
        lambda s: commands.create_value_file(s, 1, RIGHTS, least=-5, most=70_000),
        "cc01011023fbffffff701101000000000000", False, "", None,
    ),
    (
        lambda s: commands.write_data(s, 2, b"\1\2"),
        "3d020000000200000102", True, "", None,
    ),
    (lambda s: commands.read_data(s, 2, 2), "bd02000000020000", False, "0102", b"\1\2"),
    (lambda s: commands.get_value(s, 1), "6c01", False, "feffffff", -2),
    (lambda s: commands.move_value(s, 1, 300), "0c012c010000", True, "", None),
    (lambda s: commands.move_value(s, 1, -300), "dc012c010000", True, "", None),
    (commands.commit, "c7", False, "", None),
    (commands.abort, "a7", False, "", None),
]  # fmt: skip


@pytest.mark.parametrize(("begin", "command", "is_sealed", "data", "meaning"), COUNTED)
def test_commands_within_a_session(
    begin: Callable[[Session], Conversation[Any]],
    command: str,
    is_sealed: bool,
    data: str,
    meaning: Any,
) -> None:
    """A change carries its code, a question does not; both answers are checked."""
    ours, card = Session(traces.FILE_KEY), Session(traces.FILE_KEY)
    seal = card.count(bytes.fromhex(command)).hex() if is_sealed else ""
    if not is_sealed:
        card.count(bytes.fromhex(command))
    code = card.count(bytes.fromhex(data) + b"\0").hex()
    said = command + seal
    assert play(begin(ours), [(said, "00" + data + code)]) == meaning
    with pytest.raises(CardAnswersWrongly):
        play(begin(Session(traces.FILE_KEY)), [(said, "00" + data + "00" * 8)])
    with pytest.raises(CardReported, match="9Dh"):
        play(begin(Session(traces.FILE_KEY)), [(said, "9d")])
    card = Session(traces.FILE_KEY)
    card.count(bytes.fromhex(command))
    code = card.count(bytes.fromhex(data) + b"\7\0").hex()
    with pytest.raises(CardAnswersWrongly, match="form"):
        play(begin(Session(traces.FILE_KEY)), [(said, "00" + data + "07" + code)])


def test_a_changed_key_is_confirmed_by_its_code() -> None:
    """An answer without its code confirms nothing; the shown key's has none."""
    command, _ = traces.CHANGE_OF_OTHER_KEY[0]
    change = commands.change_key(
        Session(traces.OTHER_SESSION_KEY),
        1,
        traces.CHANGED_KEY,
        old=bytes(16),
        version=0x10,
    )
    with pytest.raises(CardAnswersWrongly):
        play(change, [(command, "00")])
    session = Session(bytes.fromhex(traces.NEW_SESSION_KEY))
    change = commands.change_shown_key(session, 0, traces.CHANGED_KEY, version=0x10)
    command, _ = traces.CHANGE_OF_SHOWN_KEY[0]
    with pytest.raises(CardAnswersWrongly):
        play(change, [(command, "00aa")])


def test_a_long_command_goes_in_frames() -> None:
    """54 bytes behind a code, the rest behind AF; the card asks for each."""
    data = bytes(range(120))
    frames = [
        ("3d" + data[:54].hex(), "af"),
        ("af" + data[54:108].hex(), "af"),
        ("af" + data[108:].hex(), "00aa"),
    ]
    assert play(call(0x3D, data), frames) == b"\xaa"
    for status in ("00", "be"):
        with pytest.raises(CardReported):
            play(call(0x3D, data), [(frames[0][0], status)])


def test_an_answer_without_end_ends() -> None:
    """A card that always has more is left."""
    with pytest.raises(CardAnswersWrongly, match="without end"):
        play(call(0x60), [("60", "af"), *[("af", "af")] * 1_000])


@pytest.mark.parametrize("answer", [b"", b"\x91", b"\x6e\x00", b"\x00\x90\x00"])
def test_another_card_is_not_a_desfire(answer: bytes) -> None:
    """Its answers do not end in 91 and a status."""
    with pytest.raises(CardAnswersWrongly, match="not the answer"):
        unwrap(answer)


def test_an_apdu_has_no_length_without_data() -> None:
    """Le stands in every APDU, Lc only before data."""
    assert wrap(0x60).hex() == "9060000000"
    assert wrap(0x5A, b"CNG").hex() == "905a000003434e4700"


@pytest.mark.parametrize(
    ("vendor", "kind", "generation", "is_one"),
    [
        (4, 1, 1, True), (4, 1, 0x12, True), (4, 0x81, 0x33, True),
        (4, 1, 0, False), (4, 8, 0x30, False), (5, 1, 1, False),
    ],
)  # fmt: skip
def test_which_chips_can_carry_a_purse(
    vendor: int, kind: int, generation: int, is_one: bool
) -> None:
    """DESFire from EV1 on: the first generation knows no AES."""
    version = Version(vendor, kind, generation, b"\4" * 7)
    assert version.is_desfire_with_aes == is_one
