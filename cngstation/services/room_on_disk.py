"""Room on the disk to finish what is begun, asked for before cash is taken."""

import shutil
from pathlib import Path

from cngstation.errors import Refusal
from cngstation.services.station_rules import StationRules


class DiskFull(Refusal):
    """There is not enough room to promise that the act can be finished."""

    code = "refusal.disk_full"
    text = (
        "The disk is nearly full ({free_mib} MiB left). No money was taken. Fills are "
        "still recorded. Call the technician."
    )


def require_disk(folder: Path, rules: StationRules) -> None:
    """Refuse a new act before cash is taken when the disk is nearly full.

    Raises:
        DiskFull: with what is left.
    """
    free = shutil.disk_usage(folder).free
    if free < rules.lowest_disk_bytes:
        raise DiskFull(free_mib=free // 2**20)
