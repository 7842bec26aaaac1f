"""What opens at the first log-in of a station that was just set up."""

from typing import TYPE_CHECKING

from cngstation.errors import StationError
from cngstation.rpc.contract.parameters import PARAMETERS_SHOW
from cngstation.rpc.session import Nothing

if TYPE_CHECKING:
    from tui.desk import Desk
    from tui.screens.parameters import ParametersScreen

RIGHT = "station.parameters"


async def parameters_of_first_start(desk: "Desk") -> "ParametersScreen | None":
    """Return the screen of the parameters where nobody has looked at them yet."""
    if desk.session is None or RIGHT not in desk.session.rights:
        return None
    try:
        board = await desk.link.call(PARAMETERS_SHOW, Nothing())
    except StationError:
        return None  # it is offered again at the next log-in
    if not board.first:
        return None
    from tui.screens.parameters import ParametersScreen

    return ParametersScreen(desk, board)
