"""Card numbers, plates, ID numbers: what is well formed and what may be overridden."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CARD_SERIALS = 999_999

# A province character, a letter without I and O, then five places; new-energy plates
# have six: small cars D/F or A-H,J,K first, large ones last. GA 36-2018.
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLAIN = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z]([A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳])"
)
_SMALL_ENERGY = re.compile(rf"[{_PROVINCES}][A-HJ-NP-Z][A-HJK][A-HJ-NP-Z0-9][0-9]{{4}}")
_LARGE_ENERGY = re.compile(rf"[{_PROVINCES}][A-HJ-NP-Z][0-9]{{5}}[A-HJK]")
_EMBASSY = re.compile(rf"(使[0-9]{{6}}|[0-9]{{6}}使|[{_PROVINCES}][A-Z][0-9]{{4}}领)")

# GB 11643-1999: weights of the 17 digits, and the check character by remainder.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def card_no(issue_point: str, serial: int) -> str:
    """Make a printed card number: two digits of the issue point and six of its own."""
    if not re.fullmatch(r"[0-9]{2}", issue_point) or not 1 <= serial <= CARD_SERIALS:
        raise ValueError("card numbers of this issue point are used up or malformed")
    return f"{issue_point}{serial:06d}"


def card_key(area_no: str, number: str) -> str:
    """Make the full key of a card: four digits of the area and eight of the card."""
    if not re.fullmatch(r"[0-9]{4}", area_no) or not re.fullmatch(r"[0-9]{8}", number):
        raise ValueError("a card key is made of 4 and 8 digits")
    return area_no + number


def normal_plate(text: str) -> str:
    """Return a plate without the separators people write: 川A·12345 is 川A12345."""
    return re.sub(r"[\s·.•-]", "", text).upper()


def plate_is_regular(plate: str) -> bool:
    """Tell whether a plate has a form that the standard knows."""
    return any(
        form.fullmatch(plate)
        for form in (_PLAIN, _SMALL_ENERGY, _LARGE_ENERGY, _EMBASSY)
    )


class IdNumberFault(StrEnum):
    """What is wrong with an ID number."""

    SHAPE = "shape"
    DATE = "date"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class IdNumber:
    """An ID number as registered; an old one of 15 digits offers its new form."""

    text: str
    upgraded: str = ""


def check_digit(seventeen: str) -> str:
    """Return the check character of 17 digits (ISO 7064 MOD 11-2)."""
    total = sum(int(d) * w for d, w in zip(seventeen, _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11]


def read_id_number(text: str) -> IdNumber | IdNumberFault:
    """Read a citizen's ID number, 18 characters or the old 15 digits."""
    plain = text.strip().upper()
    if re.fullmatch(r"[0-9]{17}[0-9X]", plain):
        if not _is_date(plain[6:14]):
            return IdNumberFault.DATE
        if check_digit(plain[:17]) != plain[17]:
            return IdNumberFault.CHECK
        return IdNumber(plain)
    if re.fullmatch(r"[0-9]{15}", plain):
        # Sequence numbers 996 to 999 were kept for people older than a hundred.
        century = "18" if plain[12:15] >= "996" else "19"
        seventeen = plain[:6] + century + plain[6:]
        if not _is_date(seventeen[6:14]):
            return IdNumberFault.DATE
        return IdNumber(plain, seventeen + check_digit(seventeen))
    return IdNumberFault.SHAPE


def _is_date(eight: str) -> bool:
    try:
        date(int(eight[:4]), int(eight[4:6]), int(eight[6:]))
    except ValueError:
        return False
    return True


_ID_IN_TEXT = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_MOBILE_IN_TEXT = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


def without_personal(text: str) -> str:
    """Return a free text with the ID and mobile numbers in it masked.

    People write them into reasons and remarks, which are printed and go out. A row of
    18 characters is an ID number if its check says so.
    """

    def hide(found: re.Match[str]) -> str:
        number = found[0]
        is_id = not isinstance(read_id_number(number), IdNumberFault)
        return masked(number) if is_id else number

    hidden = _ID_IN_TEXT.sub(hide, text)
    return _MOBILE_IN_TEXT.sub(lambda m: masked(m[0], head=3, tail=4), hidden)


def masked(text: str, *, head: int = 6, tail: int = 4) -> str:
    """Hide the middle of a personal number."""
    if len(text) <= head + tail:
        return "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[-tail:]
