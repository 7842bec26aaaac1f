"""Operators' passwords: slow hashes of them, one made at a time."""

import asyncio
import base64
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from cngstation.errors import Refusal

# OWASP's and argon2-cffi's figure for a machine with memory to spare.
MEMORY_KIB = 64 * 1024
PASSES = 3
SALT_BYTES = 16  # for good: a renewed hash keeps its salt
_PARTS = 6  # of a hash as text, each behind a $
SHORTEST_PASSWORD = 8


class PasswordWeak(Refusal):
    """A new password is too short or too common."""

    code = "refusal.password_weak"
    text = (
        "A password has at least {shortest} characters, not all alike. The password "
        "was not changed."
    )


class Passwords:
    """Hashes and checks passwords, one at a time, off the event loop.

    One at a time, because a hash takes 64 MiB: many at once would be an attack.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=1,
            salt_len=SALT_BYTES,
        )
        # A thread and not a lock: a caller that hangs up while its hash is made would
        # free a lock, and the next one would take its 64 MiB beside the first.
        self._one = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        # Checked against when the name is unknown, so that time does not tell.
        self._nobody = _hash_of_nothing(self._hasher)

    async def hash(self, password: str) -> str:
        """Return the hash of a new password.

        Raises:
            PasswordWeak: it is too short or one character over and over.
        """
        if len(password) < SHORTEST_PASSWORD or len(set(password)) == 1:
            raise PasswordWeak(shortest=SHORTEST_PASSWORD)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._one, self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is the stored one; as slow when there is none."""
        right = await asyncio.get_running_loop().run_in_executor(
            self._one, self._verify, stored or self._nobody, password
        )
        return right and stored is not None

    async def renewed(self, stored: str, password: str) -> str:
        """Return the right password's hash by the settings of now; "" where it is.

        It keeps its salt, by which `same_password` knows it again. One that costs more
        than ours is left: the other daemons may run a newer program.
        """
        old, ours = extract_parameters(stored), self._hasher
        is_dearer = old.memory_cost * old.time_cost > ours.memory_cost * ours.time_cost
        if is_dearer or not ours.check_needs_rehash(stored):
            return ""
        salt = base64.b64decode(_salt_of(stored) + "==")
        if len(salt) != SALT_BYTES:
            return ""
        return await asyncio.get_running_loop().run_in_executor(
            self._one, lambda: ours.hash(password, salt=salt)
        )

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def same_password(stored: str, checked: str) -> bool:
    """Tell whether two hashes are of one password given once, renewed or not.

    A password that is given anew, even the same one, has another salt.
    """
    return stored == checked or (_salt_of(stored) == _salt_of(checked) != "")


def _salt_of(stored: str) -> str:
    parts = stored.split("$")
    return parts[-2] if len(parts) == _PARTS else ""


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """Return a hash that no password has and that takes as long to check as any."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode("ascii")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"
