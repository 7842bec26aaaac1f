"""Keys and passwords come from credential files; errors tell the path alone."""

from pathlib import Path

from cngstation.errors import ConfigError


def read_credential(path: Path, length: int) -> bytes:
    """Return the bytes of a key file: hexadecimal digits, at least `length` bytes.

    Raises:
        ConfigError: there is no such file or it holds no such key.
    """
    allowed = f"a file with {2 * length} hexadecimal digits"
    text = _text_of(path, "key", allowed).strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < length:
        raise ConfigError(
            path=str(path), key="key", why="holds no such key", allowed=allowed
        )
    return key[:length]


def read_keys(path: Path, length: int) -> tuple[bytes, ...]:
    """Return the keys of a file: the one in force, then older ones, a line each.

    Raises:
        ConfigError: there is no such file or it holds no such key.
    """
    newest = read_credential(path, length)
    lines = [line for line in path.read_text("ascii").splitlines() if line.strip()]
    try:
        keys = [bytes.fromhex(line)[:length] for line in lines]
    except ValueError:  # a byte that goes on in the next line
        keys = []
    if any(len(key) < length for key in keys) or not keys:
        return (newest,)  # one key, written over several lines
    return tuple(dict.fromkeys(keys))


def read_login(path: Path) -> tuple[str, str]:
    """Return user name and password: the two lines of a credential file.

    Raises:
        ConfigError: there is no such file or it holds no such lines.
    """
    allowed = "a file with the user name on its first line, the password on its second"
    lines = _text_of(path, "login", allowed).splitlines()
    if len(lines) != 2 or not all(lines) or ":" in lines[0]:
        raise ConfigError(
            path=str(path), key="login", why="holds no such lines", allowed=allowed
        )
    return lines[0], lines[1]


def _text_of(path: Path, key: str, allowed: str) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = "cannot be read" if isinstance(error, OSError) else "is not plain text"
        raise ConfigError(path=str(path), key=key, why=why, allowed=allowed) from None
