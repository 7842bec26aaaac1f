"""Parameters of the station, and how it stands with head office."""

from typing import Annotated

from pydantic import Field, StringConstraints

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.method import Line, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_PARAMETERS = 32
LONGEST_CODE = 4_000
Code = Annotated[str, StringConstraints(max_length=LONGEST_CODE, pattern=r"^[ -~]*$")]


class Parameter(Message):
    """A parameter as it is typed; `fixed` ones stand on cards and sales."""

    name: Word
    value: Line
    fixed: bool = False


Parameters = Annotated[tuple[Parameter, ...], Field(max_length=MOST_PARAMETERS)]


class ParameterBoard(Message):
    """The parameters; `first` until they have been saved for the first time."""

    first: bool
    rows: Parameters


class ParameterSave(Message):
    """Parameters as they shall be; the reason is needed where a guard is loosened."""

    rows: Parameters
    reason: Text = ""


class ParametersSaved(Message):
    """The names of those that are another now."""

    names: Annotated[tuple[Word, ...], Field(max_length=MOST_PARAMETERS)]


class EnrolmentBoard(Message):
    """How the station stands; texts are empty where there is none.

    `request` are the groups of the code, by spaces. `runs` is how the station is
    configured, single or networked; `days_left` are below nought behind the end.
    """

    station_no: Word
    call_code: Word
    request: Code
    serial: int
    edition: Line
    until_ms: int
    office: Line
    area_no: Word = ""
    runs: Word = ""
    from_ms: int = 0
    days_left: int = 0
    edition_fits: bool = True


class EnrolmentAccept(Message):
    """A certificate as it was typed, and the fingerprint as it was compared.

    The first trust in head office's key takes two people.
    """

    certificate: Code
    fingerprint: Line = ""
    reason: Text = ""
    approval: Approval | None = None


class EnrolmentAsk(Message):
    """A request is wanted; a new key of the station takes two people."""

    reason: Text = ""
    approval: Approval | None = None


PARAMETERS_SHOW = Method(
    "parameters.show", Nothing, ParameterBoard, "station.parameters", changes=False
)
PARAMETERS_SAVE = Method(
    "parameters.save",
    ParameterSave,
    ParametersSaved,
    "station.parameters",
    changes=True,
)
ENROLMENT_SHOW = Method(
    "enrolment.show", Nothing, EnrolmentBoard, "station.enrol", changes=False
)
ENROLMENT_REQUEST = Method(
    "enrolment.request", EnrolmentAsk, EnrolmentBoard, "station.enrol", changes=True
)
ENROLMENT_ACCEPT = Method(
    "enrolment.accept", EnrolmentAccept, EnrolmentBoard, "station.enrol", changes=True
)

PARAMETER_METHODS = (
    PARAMETERS_SHOW,
    PARAMETERS_SAVE,
    ENROLMENT_SHOW,
    ENROLMENT_REQUEST,
    ENROLMENT_ACCEPT,
)
