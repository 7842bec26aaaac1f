"""The switches of a line that a protocol knows: whole numbers with their bounds."""

from collections.abc import Mapping


def whole_numbers(
    protocol: str, options: Mapping[str, int | str], bounds: Mapping[str, range]
) -> dict[str, int]:
    """Return the options of a line.

    Raises:
        ValueError: one is not known or not within its bounds; says what is allowed.
    """
    read: dict[str, int] = {}
    for name, value in options.items():
        if name not in bounds:
            known = ", ".join(bounds)
            raise ValueError(f"{name} is no option of {protocol}: {known}")
        allowed = bounds[name]
        if not isinstance(value, int) or value not in allowed:
            raise ValueError(f"{name} is {allowed[0]} to {allowed[-1]}")
        read[name] = value
    return read
