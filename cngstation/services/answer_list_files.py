"""Answers about lists from files of the import folder."""

from cngstation.hygiene import clean
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import downloads as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import actor_of
from cngstation.services.read_list_file import MOST_FAULTS
from cngstation.services.take_list_file import Changes, ListFiles

_MOST_FILES = 100
_LONGEST_NAME = 120


class ListFileAnswers:
    """The handlers of this area."""

    def __init__(self, files: ListFiles) -> None:
        self._files = files

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.LISTS_FILES, self.names)
        made.add(contract.LISTS_LOOK, self.look)
        made.add(contract.LISTS_FILE, self.take)

    async def names(self, _: Nothing, call: CallContext) -> contract.FileRows:
        """Return the files of the folder; a name that cannot be shown is left out."""
        found = await self._files.names()
        shown = [row for row in found if clean(row[0], limit=_LONGEST_NAME) == row[0]]
        return contract.FileRows(
            folder=clean(str(self._files.folder)),
            rows=tuple(
                contract.FileRow(name=name, bytes=size, at_ms=at_ms)
                for name, size, at_ms in shown[:_MOST_FILES]
            ),
        )

    async def look(
        self, request: contract.FileName, call: CallContext
    ) -> contract.FileLook:
        """Say what a file would change."""
        looked = await self._files.look(self._files.path_of(request.name))
        return contract.FileLook(
            name=looked.file.name,
            digest=looked.file.digest,
            rows=len(looked.file.wanted),
            faults=tuple(
                contract.FileFault(row=fault.row, text=fault.text, value=fault.value)
                for fault in looked.file.faults[:MOST_FAULTS]
            ),
            as_changes=_changes(looked.as_changes),
            as_whole=_changes(looked.as_whole),
        )

    async def take(
        self, order: contract.FileOrder, call: CallContext
    ) -> contract.FileChanges:
        """Put a file on the lists; the dispensers follow by themselves."""
        done = await self._files.take(
            self._files.path_of(order.name),
            whole=order.whole,
            reason=order.reason,
            actor=actor_of(call),
            approval=approval_of(order.approval),
            digest=order.digest,
        )
        return _changes(done)


def _changes(changes: Changes) -> contract.FileChanges:
    others = len(changes.moved) - changes.on_black - changes.off_black
    return contract.FileChanges(
        on_black=changes.on_black,
        off_black=changes.off_black,
        others=max(others, 0),
        own=len(changes.own),
        black=changes.black,
    )
