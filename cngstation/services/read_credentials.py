"""Keys come from credential files and stay in memory; errors tell the path alone."""

from pathlib import Path

from cngstation.errors import ConfigError


def read_credential(path: Path, length: int) -> bytes:
    """Return the bytes of a key file: hexadecimal digits, at least `length` bytes.

    Raises:
        ConfigError: there is no such file or it holds no such key.
    """
    allowed = f"a file with {2 * length} hexadecimal digits"
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = "cannot be read" if isinstance(error, OSError) else "is not plain text"
        raise ConfigError(path=str(path), key="key", why=why, allowed=allowed) from None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < length:
        raise ConfigError(
            path=str(path), key="key", why="holds no such key", allowed=allowed
        )
    return key[:length]
