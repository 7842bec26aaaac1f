"""The vendor's level: a signed ticket lets a technician in for some time."""

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.contract.parameters import Code
from cngstation.rpc.method import Line, Message, Method, Text
from cngstation.rpc.session import Secret


class VendorPaper(Message):
    """A ticket as it was typed, or read from a file."""

    ticket: Code


class VendorPass(Message):
    """Who was let in; the password is good for one login and told here alone."""

    operator_no: Word
    login_name: Line
    holder: Line
    rights: Text
    until_ms: int
    reason: Text
    password: Secret
    password_hours: int


VENDOR_ACCEPT = Method(
    "vendor.accept", VendorPaper, VendorPass, "vendor.admit", changes=True
)
VENDOR_METHODS = (VENDOR_ACCEPT,)
