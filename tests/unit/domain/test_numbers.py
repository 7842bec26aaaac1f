"""Card numbers, plates, ID numbers: what is well formed and what may be overridden."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation.domain import numbers
from cngstation.domain.numbers import (
    IdNumber,
    IdNumberFault,
    read_id_number,
    without_personal,
)

STANDARD = "11010519491231002X"  # the first example of GB 11643-1999
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def test_card_numbers_and_keys() -> None:
    """Two digits of the issue point and six of its own; four of the area before."""
    assert numbers.card_no("01", 1) == "01000001"
    assert numbers.card_no("99", 999_999) == "99999999"
    assert numbers.card_key("5101", "01000001") == "510101000001"


@pytest.mark.parametrize(
    ("point", "serial"),
    [("1", 1), ("001", 1), ("0a", 1), ("０１", 1), ("01", 0), ("01", 1_000_000)],
)
def test_malformed_and_used_up_numbers(point: str, serial: int) -> None:
    """Numbers never run over into the issue point's digits."""
    with pytest.raises(ValueError, match="used up or malformed"):
        numbers.card_no(point, serial)


@pytest.mark.parametrize(
    ("area", "number"),
    [
        ("510", "01000001"),
        ("5101", "1"),
        ("５１０１", "01000001"),
        ("5101", "0100000x"),
    ],
)
def test_malformed_keys(area: str, number: str) -> None:
    """A key is made of ASCII digits alone."""
    with pytest.raises(ValueError, match="4 and 8 digits"):
        numbers.card_key(area, number)


@pytest.mark.parametrize(
    "plate",
    [
        "川A12345", "京A8B8C8", "粤Z1234港", "粤Z1234澳", "川A1234学", "川A1234警",
        "川A1234挂", "川AD12345", "川AF12345", "川AK12345", "京AA12345", "川AJA1234",
        "川A12345D", "川A12345K", "使014578", "014578使", "沪A0023领", "琼E00000",
    ],
)  # fmt: skip
def test_regular_plates(plate: str) -> None:
    """Ordinary, new-energy small and large, and the special last characters."""
    assert numbers.plate_is_regular(plate)


@pytest.mark.parametrize(
    "plate",
    [
        "", "川A1234", "川A123456", "川I12345", "川O12345", "川AI2345", "川A1O345",
        "川AI12345", "川AL12345", "川AD1234学", "川A12345I", "川A12345L", "川A1234使",
        "A12345", "台A12345", "WJ川0001", "空A12345", "川A12345\n", "川A１２３４５",
        "川a12345", "临川A1234", "使01457", "领沪A0023",
    ],
)  # fmt: skip
def test_odd_plates(plate: str) -> None:
    """What the standard does not know is unusual; the register may accept it."""
    assert not numbers.plate_is_regular(plate)


@pytest.mark.parametrize(
    "written", ["川A·12345", "川A•12345", "川A.12345", "川a 12345", " 川A-12345 "]
)
def test_separators_of_a_plate_are_no_part_of_it(written: str) -> None:
    """The same plate is one vehicle however it is written."""
    assert numbers.normal_plate(written) == "川A12345"


@pytest.mark.parametrize(
    "text",
    ["11010519491231002X", "440524188001010014", " 11010519491231002x "],
)
def test_examples_of_the_standard(text: str) -> None:
    """GB 11643-1999 prints these two; letter case and spaces do not matter."""
    assert read_id_number(text) == IdNumber(text.strip().upper())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (STANDARD[:-1] + "1", IdNumberFault.CHECK),
        (STANDARD.replace("1231", "1331"), IdNumberFault.DATE),
        (STANDARD.replace("1231", "0229"), IdNumberFault.DATE),
        ("1101051949123100", IdNumberFault.SHAPE),
        ("X1010519491231002X", IdNumberFault.SHAPE),
        ("", IdNumberFault.SHAPE),
        ("11010519491231002X".translate(FULL_WIDTH), IdNumberFault.SHAPE),
        ("110105491231002".translate(FULL_WIDTH), IdNumberFault.SHAPE),
        ("110105491331002", IdNumberFault.DATE),
    ],
)
def test_faults_are_told_apart(text: str, fault: IdNumberFault) -> None:
    """Shape, date, check: what to compare with the document."""
    assert read_id_number(text) is fault


def test_fifteen_digits_offer_their_new_form() -> None:
    """19.. for all but the sequence numbers kept for people older than a hundred."""
    assert read_id_number("110105491231002") == IdNumber(
        "110105491231002", "11010519491231002X"
    )
    old = read_id_number("110105800101996")
    assert isinstance(old, IdNumber)
    assert old.upgraded.startswith("11010518800101996")
    assert isinstance(read_id_number(old.upgraded), IdNumber)


digits17 = st.text("0123456789", min_size=17, max_size=17)


@settings(max_examples=80)
@given(digits17, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes_the_check(
    seventeen: str, place: int, more: int
) -> None:
    """MOD 11-2 finds every single wrong digit."""
    other = list(seventeen)
    other[place] = str((int(other[place]) + more) % 10)
    assert numbers.check_digit(seventeen) != numbers.check_digit("".join(other))


@settings(max_examples=80)
@given(digits17, st.integers(0, 15))
def test_two_swapped_digits_never_pass_the_check(seventeen: str, place: int) -> None:
    """MOD 11-2 finds every swap of neighbours."""
    other = list(seventeen)
    other[place], other[place + 1] = other[place + 1], other[place]
    same = other == list(seventeen)
    found = numbers.check_digit("".join(other))
    assert (found == numbers.check_digit(seventeen)) is same


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("11010519491231002X", "110105********002X"),
        ("13800001234", "138000*1234"),
        ("1234567890", "**********"),
        ("", ""),
    ],
)
def test_personal_numbers_are_masked(text: str, shown: str) -> None:
    """A number too short to have a middle is hidden whole."""
    assert numbers.masked(text) == shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("车主 11010519491231002X 来电", "车主 110105********002X 来电"),
        (
            f"证件{STANDARD.lower()}，电话13900000000",
            "证件110105********002x，电话139****0000",
        ),
        ("11010519491231002X", "110105********002X"),
        # What only looks like one stays: another check, cards, orders, amounts.
        (STANDARD[:-1] + "1", STANDARD[:-1] + "1"),
        ("卡 510102000001 补 0000510102000001", "卡 510102000001 补 0000510102000001"),
        (
            "订单 4200001234202611211391234567890",
            "订单 4200001234202611211391234567890",
        ),
        ("12345678901 元", "12345678901 元"),
        ("", ""),
    ],
)
def test_numbers_that_people_write_into_a_reason_are_masked(
    text: str, kept: str
) -> None:
    """An ID number by its check, a mobile number by its form; nothing else."""
    assert without_personal(text) == kept
