"""How long a thing may take that is not the wire's or a clock's."""

import os


def allowed_s(quiet_s: float) -> float:
    """Return what takes so long at most on a quiet machine, as busy as this one is."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return quiet_s * max(1.0, 2 * waiting)
