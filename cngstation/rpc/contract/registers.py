"""The registers: companies, vehicles, prices, and what forms offer."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Facts, Word
from cngstation.rpc.method import LOGGED_IN, Line, Message, Method, Text
from cngstation.rpc.session import Nothing, Secret

# What may be a personal number: it stands in no repr, and so in no traceback.
Private = Annotated[Line, Field(repr=False)]


class Search(Message):
    """A part of a name, number or its pinyin initials; empty finds all."""

    text: Private
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    with_retired: bool = False


class Page(Message):
    """How many rows, newest first."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]


class NextPage(Page):
    """A page, newest first, behind the one whose `next_seq` is named; 0: the newest."""

    before_seq: Annotated[int, Field(ge=0)] = 0


class PageFound(Message):
    """`next_seq` goes on from here; it is 0 on the last page."""

    next_seq: int


class CompanyDraft(Message):
    """A company to register; the number is made by the system."""

    name: Text
    address: Text
    phone: Private


class CompanyRow(Message):
    """A company of the register."""

    company_no: Word
    name: Text
    address: Text
    phone_masked: Line
    retired: bool = False


class CompanyEdit(Message):
    """A company as it is to be; its number never changes.

    An empty phone stays as it is, `-` takes it out.
    """

    company_no: Word
    name: Text
    address: Text
    phone: Private
    retired: bool
    reason: Text


class CompanyRows(Message):
    """Companies found."""

    rows: Annotated[tuple[CompanyRow, ...], Field(max_length=MOST_ROWS)]


class VehicleDraft(Message):
    """A vehicle to register. Dates are YYYY-MM-DD.

    A plate or ID number of an unusual form is refused once and taken when its
    `accept_` flag is set, with a warning in the audit.
    """

    plate: Line
    accept_plate: bool
    id_no: Private
    accept_id_no: bool
    driver: Line
    phone: Private
    owner: Text
    vehicle_type: Word
    company_no: Word
    cylinder_no: Line
    cylinder_due: Word
    fleet_no: Word
    route_no: Word
    fleet_name: Line


class VehicleRow(Message):
    """A vehicle of the register, personal numbers masked."""

    vehicle_id: int
    plate: Word
    id_no_masked: Word
    driver: Line
    phone_masked: Word
    owner: Text
    vehicle_type: Word
    vehicle_type_name: Line
    company_no: Word
    company_name: Text
    cylinder_no: Line
    cylinder_due: Word
    fleet_no: Word
    route_no: Word
    fleet_name: Line
    cards: int
    retired: bool = False


class VehicleRows(Message):
    """Vehicles found."""

    rows: Annotated[tuple[VehicleRow, ...], Field(max_length=MOST_ROWS)]


class VehicleEdit(Message):
    """A vehicle as it is to be; an empty ID number or phone stays as it is."""

    vehicle_id: int
    draft: VehicleDraft
    retired: bool
    reason: Text


class VehicleTypeDraft(Message):
    """A vehicle type to add."""

    code: Word
    name: Line


class VehicleTypeEdit(Message):
    """A vehicle type as it is to be."""

    code: Word
    name: Line
    retired: bool
    reason: Text


class VehicleTypeRow(Message):
    """A vehicle type, and how many vehicles have it."""

    code: Word
    name: Line
    retired: bool
    vehicles: int


class VehicleTypeRows(Message):
    """All vehicle types, the retired ones too."""

    rows: Annotated[tuple[VehicleTypeRow, ...], Field(max_length=MOST_ROWS)]


class EditRow(Message):
    """One field that was changed: who, when, what it was and is, and why.

    `kind` is card, vehicle, company or vehicle_type. Of names and personal numbers
    `before` and `after` have what is left when their middle is hidden, or nothing.
    """

    at_ms: int
    kind: Word
    subject: Text
    field: Word
    before: Text
    after: Text
    reason: Text
    operator_no: Word
    terminal: Line


class EditRows(Message):
    """Changed fields, newest first."""

    rows: Annotated[tuple[EditRow, ...], Field(max_length=MOST_ROWS)]


class Choice(Message):
    """One entry of a list to choose from."""

    code: Word
    name: Line


class LevelPrice(Message):
    """A price level and what it costs now."""

    level: int
    price_e4: int


class TenderOffer(Message):
    """A way of paying, and whether it is only taken with the number of the payment.

    `refused` says why it is not taken for this act; empty where it is.
    """

    tender: Word
    wants_reference: bool
    refused: Text = ""
    facts: Facts = ()


TenderOffers = Annotated[tuple[TenderOffer, ...], Field(max_length=20)]


class Choices(Message):
    """What forms offer: types, kinds, modes, prices, fee and limits."""

    vehicle_types: Annotated[tuple[Choice, ...], Field(max_length=100)]
    card_kinds: Annotated[tuple[Word, ...], Field(max_length=20)]
    payment_modes: Annotated[tuple[Word, ...], Field(max_length=10)]
    prices: Annotated[tuple[LevelPrice, ...], Field(max_length=20)]
    card_fee_fen: int
    single_lower_fen: int
    single_upper_fen: int
    balance_ceiling_fen: int
    tenders: TenderOffers = ()


class RevealOrder(Message):
    """Whose number is to be shown whole, and why.

    `register_name` is vehicle, company or operator, `key` a vehicle's id or the number.
    """

    register_name: Annotated[str, Field(pattern=r"^(vehicle|company|operator)$")]
    key: Word
    what: Annotated[str, Field(pattern=r"^(id_no|phone)$")]
    reason: Text


class Revealed(Message):
    """A whole number; a screen takes it away after so many seconds."""

    number: Secret
    shown_s: Annotated[int, Field(ge=1, le=60)]


class ForgetOrder(Message):
    """Whose personal data is to be cleared, and why; fields as in `RevealOrder`."""

    register_name: Annotated[str, Field(pattern=r"^(vehicle|company|operator)$")]
    key: Word
    reason: Text


class Forgotten(Message):
    """What the row is called."""

    subject: Line


COMPANY_REGISTER = Method(
    "company.register", CompanyDraft, CompanyRow, "register.write", changes=True
)
COMPANY_SEARCH = Method("company.search", Search, CompanyRows, LOGGED_IN, changes=False)
VEHICLE_REGISTER = Method(
    "vehicle.register", VehicleDraft, VehicleRow, "register.write", changes=True
)
VEHICLE_SEARCH = Method("vehicle.search", Search, VehicleRows, LOGGED_IN, changes=False)
COMPANY_EDIT = Method(
    "company.edit", CompanyEdit, CompanyRow, "register.edit", changes=True
)
VEHICLE_EDIT = Method(
    "vehicle.edit", VehicleEdit, VehicleRow, "register.edit", changes=True
)
VEHICLE_TYPES = Method(
    "vehicle_type.list", Nothing, VehicleTypeRows, LOGGED_IN, changes=False
)
VEHICLE_TYPE_ADD = Method(
    "vehicle_type.add",
    VehicleTypeDraft,
    VehicleTypeRow,
    "vehicle_type.write",
    changes=True,
)
VEHICLE_TYPE_EDIT = Method(
    "vehicle_type.edit",
    VehicleTypeEdit,
    VehicleTypeRow,
    "vehicle_type.write",
    changes=True,
)
EDIT_LIST = Method("register.edits", Search, EditRows, LOGGED_IN, changes=False)
CHOICES = Method("register.choices", Nothing, Choices, LOGGED_IN, changes=False)
PERSONAL_FORGET = Method(
    "personal.forget", ForgetOrder, Forgotten, "personal.forget", changes=True
)
PERSONAL_REVEAL = Method(
    "personal.reveal", RevealOrder, Revealed, "personal.reveal", changes=True
)

REGISTER_METHODS = (
    COMPANY_REGISTER,
    COMPANY_SEARCH,
    VEHICLE_REGISTER,
    VEHICLE_SEARCH,
    COMPANY_EDIT,
    VEHICLE_EDIT,
    VEHICLE_TYPES,
    VEHICLE_TYPE_ADD,
    VEHICLE_TYPE_EDIT,
    EDIT_LIST,
    CHOICES,
    PERSONAL_REVEAL,
    PERSONAL_FORGET,
)
