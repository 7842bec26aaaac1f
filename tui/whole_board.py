"""What every nozzle holds of lists and prices, put together from its pages."""

from typing import TYPE_CHECKING

from cngstation.rpc.contract.downloads import (
    DOWNLOADS_SHOW,
    BoardQuery,
    DownloadRow,
    ListsBoard,
)

if TYPE_CHECKING:
    from tui.link import Link


async def whole_board(link: "Link") -> ListsBoard:
    """Ask until every nozzle is there."""
    rows: list[DownloadRow] = []
    after = 0
    while True:
        board = await link.call(DOWNLOADS_SHOW, BoardQuery(after_nozzle=after))
        rows += board.nozzles
        after = board.next_nozzle
        if not after:
            # More rows than a message may have.
            return board.model_copy(update={"nozzles": tuple(rows)})
