"""Who may speak to a simulated controller: digest by RFC 7616 with MD5, or basic."""

import base64
import hashlib
import hmac
import re

REALM = "Pts2WebServer"
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Login:
    """Checks the Authorization of requests; a nonce serves for a number of them."""

    def __init__(self, user: str, password: str, *, is_basic: bool = False) -> None:
        self._user = user
        self._password = password
        self._is_basic = is_basic
        self._nonces = 0
        self.uses_left = 0
        self.uses_of_nonce = 1_000

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate of a refusal."""
        if self._is_basic:
            return f'Basic realm="{REALM}"'
        self._nonces += 1
        self.uses_left = self.uses_of_nonce
        return f'Digest realm="{REALM}", nonce="{self._nonce}", qop="auth"'

    def admits(self, method: str, authorization: str) -> bool:
        """Tell whether a request shows the password."""
        scheme, _, rest = authorization.partition(" ")
        if self._is_basic:
            expected = base64.b64encode(f"{self._user}:{self._password}".encode())
            return scheme == "Basic" and hmac.compare_digest(rest.encode(), expected)
        given = {name: quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        if scheme != "Digest" or given.get("nonce") != self._nonce:
            return False
        if self.uses_left <= 0 or given.get("username") != self._user:
            return False
        self.uses_left -= 1
        secret = _md5(f"{self._user}:{REALM}:{self._password}")
        asked = _md5(f"{method}:{given.get('uri', '')}")
        middle = ":".join(given.get(name, "") for name in ("nc", "cnonce", "qop"))
        expected_digest = _md5(f"{secret}:{self._nonce}:{middle}:{asked}")
        return hmac.compare_digest(given.get("response", ""), expected_digest)

    @property
    def _nonce(self) -> str:
        return f"{251_229_000_000_000 + self._nonces}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
