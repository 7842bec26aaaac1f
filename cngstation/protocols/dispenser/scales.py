"""How many decimals a pump's figures have, and those figures in the station's units."""

from dataclasses import dataclass

from cngstation.errors import LocalProtocolError

_MILLI_DECIMALS, _E4_DECIMALS = 3, 4
DECIMALS = {
    "volume_decimals": range(4),
    "amount_decimals": range(5),
    "price_decimals": range(5),
    "total_decimals": range(4),
}


@dataclass(frozen=True, slots=True)
class Scales:
    """Decimals as the display has them; `total_decimals` those of the totaliser."""

    volume_decimals: int = 2
    amount_decimals: int = 2
    price_decimals: int = 2
    total_decimals: int = 2

    @property
    def total_step_milli(self) -> int:
        """What the last digit of the quantity totaliser is worth."""
        return _scale(_MILLI_DECIMALS - self.total_decimals)

    def total_wrap_milli(self, digits: int) -> int:
        """Return the first figure that a totaliser of so many digits cannot show."""
        return _scale(digits) * self.total_step_milli

    def total_wrap_e4(self, digits: int) -> int:
        """Return the first figure that a totaliser of money cannot show."""
        return self.amount_e4(_scale(digits))

    def quantity_milli(self, volume: int) -> int:
        """Return a volume of the display."""
        return volume * _scale(_MILLI_DECIMALS - self.volume_decimals)

    def amount_e4(self, amount: int) -> int:
        """Return an amount of the display, or of the totaliser."""
        return amount * _scale(_E4_DECIMALS - self.amount_decimals)

    def price_e4(self, price: int) -> int:
        """Return a price of the display."""
        return price * _scale(_E4_DECIMALS - self.price_decimals)

    def volume(self, quantity_milli: int) -> int:
        """Return a quantity as the pump writes it, or LocalProtocolError."""
        return _whole(quantity_milli, _MILLI_DECIMALS - self.volume_decimals)

    def amount(self, amount_e4: int) -> int:
        """Return an amount as the pump writes it, or LocalProtocolError."""
        return _whole(amount_e4, _E4_DECIMALS - self.amount_decimals)

    def price(self, price_e4: int) -> int:
        """Return a price as the pump writes it, or LocalProtocolError."""
        return _whole(price_e4, _E4_DECIMALS - self.price_decimals)


def _scale(decimals: int) -> int:
    scale: int = 10**decimals
    return scale


def _whole(figure: int, decimals: int) -> int:
    whole, rest = divmod(figure, _scale(decimals))
    if rest:
        raise LocalProtocolError(why=f"{figure} has more decimals than the pump")
    return whole
