"""When the garbage collector runs: full collections wait for a calm moment.

One takes 10 to 50 ms, and a key that comes meanwhile waits for it. The young
generations go on by themselves: a millisecond, and most of what is thrown away.
"""

import gc

_CALM_TURNS = 40
_TURNS_APART = 1_200
_TURNS_AT_MOST = 12_000
_NEVER = 1_000_000


class Garbage:
    """Counts turns of the beat without a key; at 20 a second it waits for 2 s of calm.

    Full collections come a minute apart; without any calm, every ten minutes.
    """

    def __init__(self) -> None:
        self._calm = 0
        self._since = 0

    def begin(self) -> None:
        """Take over the full collections; what is loaded now is looked through once."""
        gc.collect()
        gc.freeze()
        young, middle, _old = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        gc.enable()

    def key_pressed(self) -> None:
        """Somebody works: begin to count anew."""
        self._calm = 0

    def take_turn(self) -> None:
        """Collect when it is time and nobody types."""
        self._calm += 1
        self._since += 1
        calm = self._calm >= _CALM_TURNS and self._since >= _TURNS_APART
        if calm or self._since >= _TURNS_AT_MOST:
            self._since = 0
            gc.collect()
