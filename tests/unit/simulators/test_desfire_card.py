"""The virtual DESFire card against what real ones said, and at its edges."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.simulators.desfire_card import DesfireCard
from cngstation.simulators.desfire_crypto import CardSession, cbc, cmac, crc32
from cngstation.simulators.held_file import CardElsewhere
from cngstation.simulators.mifare_classic import CardSilent
from cngstation.simulators.virtual_cards import hold_card, make_blank_card
from cngstation.simulators.virtual_desfire import DesfireInField
from tests.unit.protocols.desfire import traces
from tests.unit.protocols.desfire.traces import apdu_of

UID = bytes.fromhex("045A3BFA142880")
AID = "434e47"
KEY = bytes(16)
VALUE, DATA = "01", "02"


class Bench:
    """A card and a host that speaks to it byte by byte."""

    def __init__(self, held: DesfireInField) -> None:
        self.randoms: list[bytes] = []
        self.held = held
        self.card = DesfireCard(held, self._random)
        self.card.select()
        self.session: CardSession | None = None

    def _random(self, size: int) -> bytes:
        return self.randoms.pop(0) if self.randoms else bytes(range(size))

    def say(self, command: str) -> str:
        """Send a native command; return status and data."""
        answer = self.card.perform(apdu_of(command))
        assert answer[-2] == 0x91
        return answer[-1:].hex() + answer[:-2].hex()

    def show_key(self, key_no: int = 0, key: bytes = KEY) -> None:
        """Authenticate as a host does."""
        answer = bytes.fromhex(self.say(f"aa{key_no:02x}"))
        assert answer[0] == 0xAF
        random_a = b"\x5a" * 16
        random_b = cbc(key, answer[1:], bytes(16), decrypts=True)
        token = cbc(key, random_a + random_b[1:] + random_b[:1], answer[1:])
        assert self.say("af" + token.hex()).startswith("00")
        parts = (random_a[:4], random_b[:4], random_a[12:], random_b[12:])
        self.session = CardSession(b"".join(parts), key_no)

    def ask(self, command: str, *, sealed: bool = False) -> str:
        """Send a command within the session; return status and checked data."""
        assert self.session is not None
        seal = self.session.heard(bytes.fromhex(command)).hex()
        answer = self.say(command + (seal if sealed else ""))
        if answer[:2] != "00":
            self.session = None
            return answer
        data = bytes.fromhex(answer[2:])
        assert self.session.sealed(data[:-8]) == data
        return answer[:-16]

    def furnish(self) -> None:
        """Make an application with a value file, a backup file, and show its key."""
        assert self.say(f"ca{AID}0b83") == "00"
        assert self.say(f"5a{AID}") == "00"
        self.show_key()
        limits = (-10).to_bytes(4, "little", signed=True) + (100).to_bytes(4, "little")
        assert self.ask(f"cc{VALUE}011021{limits.hex()}0000000000") == "00"
        assert self.ask(f"cb{DATA}011021100000") == "00"
        for key_no in (1, 2):
            self.show_key(key_no)
        self.show_key(1)

    def value(self) -> int:
        """Return the value as the file holds it."""
        file = self.held.image["applications"][AID]["files"]["1"]
        value: int = file["value"]
        return value


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A factory-new card in a field."""
    make_blank_card(tmp_path, UID)
    held = hold_card(tmp_path, UID)
    assert isinstance(held, DesfireInField)
    with held:
        yield Bench(held)


def put_application(bench: Bench, keys: list[bytes]) -> None:
    """Store an application with these keys and select it."""
    image = bench.held.changed()
    held = {"settings": 0x0F, "files": {}, "keys": [[key.hex(), 0] for key in keys]}
    image["applications"][AID] = held
    bench.held.store(image)
    assert bench.say(f"5a{AID}") == "00"


@pytest.mark.parametrize(
    ("keys", "random_b", "steps"),
    [
        (
            [traces.NEW_KEY],
            "c05ddd714fd788a6b7b754f3c4d066e8",
            traces.NEW_AUTHENTICATION,
        ),
        (
            [bytes(16), traces.FILE_KEY],
            "626ffbd45caf334acca45599304f5b17",
            traces.FILE_AUTHENTICATION,
        ),
    ],
)
def test_it_says_what_a_real_card_said(
    bench: Bench, keys: list[bytes], random_b: str, steps: list[tuple[str, str]]
) -> None:
    """With the random number of the published trace, byte for byte."""
    put_application(bench, keys)
    bench.randoms = [bytes.fromhex(random_b)]
    for command, answer in steps:
        assert bench.say(command) == answer


def test_it_takes_the_key_that_a_real_card_took(bench: Bench) -> None:
    """The cryptogram of the published trace holds the new key and its version."""
    put_application(bench, [traces.NEW_KEY])
    bench.randoms = [bytes.fromhex("c05ddd714fd788a6b7b754f3c4d066e8")]
    for command, answer in traces.NEW_AUTHENTICATION + traces.CHANGE_OF_SHOWN_KEY:
        assert bench.say(command) == answer
    keys = bench.held.image["applications"][AID]["keys"]
    assert keys == [[traces.CHANGED_KEY.hex(), 0x10]]
    assert bench.say("6400") == "0010"


def test_its_codes_are_those_of_a_real_card() -> None:
    """All eight answers of the published session."""
    session = CardSession(bytes.fromhex(traces.FILE_SESSION_KEY), 1)
    for command, answer in traces.FILE_SESSION:
        session.heard(bytes.fromhex(command))
        native = bytes.fromhex(answer)[1:]
        assert session.sealed(native[:-8]) == native


def test_its_own_reading_of_the_standards() -> None:
    """RFC 4493 and the check value of CRC-32 before its last inversion."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    text = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert cmac(key, b"", bytes(16)).hex() == "bb1d6929e95937287fa37d129b756746"
    assert cmac(key, text, bytes(16)).hex() == "070a16b46b4d4144f79bdd9dd04a287c"
    assert crc32(b"123456789") == (0xCBF43926 ^ 0xFFFFFFFF).to_bytes(4, "little")


@pytest.mark.parametrize("ends_by", ["halt", "select", "application", "error", "abort"])
def test_what_is_not_committed_is_forgotten(bench: Bench, ends_by: str) -> None:
    """Value and data together, whatever comes instead of the commit."""
    bench.furnish()
    before = bench.held.image
    assert bench.ask(f"0c{VALUE}05000000", sealed=True) == "00"
    assert bench.ask(f"3d{DATA}000000020000aabb", sealed=True) == "00"
    assert bench.ask(f"6c{VALUE}") == "0000000000"
    match ends_by:
        case "halt":
            bench.card.halt()
            with pytest.raises(CardSilent):
                bench.say("60")
            bench.card.select()
        case "select":
            bench.card.select()
        case "application":
            bench.say(f"5a{AID}")
        case "error":
            assert bench.say("ff") == "1c"
        case "abort":
            assert bench.ask("a7") == "00"
            assert bench.ask("c7") == "0c"
    if ends_by != "abort":
        assert bench.say("c7") in {"0c", "9d"}
    assert bench.held.image == before


def test_a_commit_is_all_at_once(bench: Bench, tmp_path: Path) -> None:
    """One change of the file, and the next field finds it."""
    bench.furnish()
    bench.ask(f"0c{VALUE}05000000", sealed=True)
    bench.ask(f"3d{DATA}000000020000aabb", sealed=True)
    assert bench.ask("c7") == "00"
    assert bench.ask(f"6c{VALUE}") == "0005000000"
    assert bench.ask(f"bd{DATA}000000030000") == "00aabb00"
    bench.held.leave()
    with DesfireInField(tmp_path / f"{UID.hex().upper()}.desfire") as again:
        assert Bench(again).value() == 5


def test_a_long_write_waits_for_its_frames(bench: Bench) -> None:
    """The card asks for more until what the length says has come."""
    bench.furnish()
    assert bench.session is not None
    command = bytes.fromhex(f"3d{DATA}000000100000") + bytes(range(16))
    whole = command + bench.session.heard(command)
    assert bench.say(whole[:20].hex()) == "af"
    assert bench.say("af" + whole[20:30].hex()) == "af"
    assert bench.say("af" + whole[30:].hex()).startswith("00")


@pytest.mark.parametrize(
    ("command", "sealed", "status"),
    [
        (f"0c{VALUE}65000000", True, "be"),  # above the limit
        (f"dc{VALUE}0b000000", True, "be"),  # below the limit
        (f"0c{VALUE}ffffffff", True, "9e"),
        (f"3d{DATA}0f0000020000aabb", True, "be"),
        (f"bd{DATA}000000110000", False, "be"),
        (f"6c{DATA}", False, "9e"),
        ("6c07", False, "f0"),
        (f"cb{DATA}011021100000", False, "ae"),  # key 1 makes no files
        ("c7", False, "0c"),
        ("6405", False, "40"),
    ],
)
def test_what_it_refuses_ends_the_session(
    bench: Bench, command: str, sealed: bool, status: str
) -> None:
    """Each refusal has its code; nothing is changed and the key must be shown again."""
    bench.furnish()
    before = bench.held.image
    assert bench.ask(command, sealed=sealed) == status
    assert bench.say(f"6c{VALUE}") == "ae"
    assert bench.held.image == before


def test_a_false_code_is_an_integrity_error(bench: Bench) -> None:
    """A changed amount does not fit its code."""
    bench.furnish()
    assert bench.session is not None
    seal = bench.session.heard(bytes.fromhex(f"0c{VALUE}05000000")).hex()
    assert bench.say(f"0c{VALUE}06000000{seal}") == "1e"


def test_who_may_add_and_who_may_only_take(bench: Bench) -> None:
    """Key 2 reads and debits, key 1 credits too."""
    bench.furnish()
    assert bench.ask(f"0c{VALUE}01000000", sealed=True) == "00"
    bench.show_key(2)
    assert bench.ask(f"dc{VALUE}01000000", sealed=True) == "00"
    assert bench.ask(f"0c{VALUE}01000000", sealed=True) == "ae"


def test_a_wrong_proof_is_refused(bench: Bench) -> None:
    """The key, the number of a key, and an answer without a question."""
    bench.furnish()
    bench.say("aa01")
    assert bench.say("af" + "00" * 32) == "ae"
    assert bench.say("af") == "1c"
    assert bench.say("aa05") == "40"
    bench.say("5a000000")
    assert bench.say("aa00") == "ae"  # the card's own key is DES


@pytest.mark.parametrize(
    "apdu",
    [
        "9060010000", "90600000", "906000000100", "906000000000",
        "90 3d 00 00 37" + "00" * 55 + "00",
    ],
)  # fmt: skip
def test_a_frame_of_another_form_has_the_wrong_length(bench: Bench, apdu: str) -> None:
    """P1 and P2, Lc and Le, and 60 bytes at most."""
    assert bench.card.perform(bytes.fromhex(apdu)) == b"\x91\x7e"


def test_other_classes_are_not_known(bench: Bench) -> None:
    """A command of ISO 7816-4 that is no wrapped one."""
    assert bench.card.perform(bytes.fromhex("00a40400")) == b"\x6e\x00"


def test_applications_are_made_listed_and_found_once(bench: Bench) -> None:
    """On the card itself only, with AES keys, and no two of one number."""
    assert bench.say("6a") == "00"
    assert bench.say(f"5a{AID}") == "a0"
    assert bench.say(f"ca{AID}0b03") == "9e"
    assert bench.say(f"ca{AID}0b83") == "00"
    assert bench.say(f"ca{AID}0b83") == "de"
    assert bench.say("6a") == "00" + AID
    assert bench.say(f"5a{AID}") == "00"
    assert bench.say("6a") == "9d"
    assert bench.say("ca0102030b83") == "9d"


def test_its_version_comes_in_three_frames(bench: Bench) -> None:
    """Vendor, type and generation; the UID in the last one."""
    assert bench.say("60") == "af" + "04010101001805"
    assert bench.say("af") == "af" + "04010101001805"
    assert bench.say("af")[2:16] == UID.hex()


def test_a_card_is_in_one_field_at_a_time(bench: Bench, tmp_path: Path) -> None:
    """The file is locked while it lies there."""
    with pytest.raises(CardElsewhere):
        hold_card(tmp_path, UID)
    bench.held.leave()
    hold_card(tmp_path, UID).leave()
