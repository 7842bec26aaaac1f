"""Tells whether a new password would soon be guessed by somebody who knows its owner.

zxcvbn has the lists of common passwords, names and words, and finds runs on the
keyboard, repeats and dates; what is said here comes on top.
"""

from pypinyin import lazy_pinyin

from cngstation.errors import Refusal

# Far beyond any list of common passwords, and beyond what a login that waits after
# three wrong ones lets anybody try.
LEAST_GUESSES = 10**6
# From published counts of Chinese sites' leaked passwords; not in zxcvbn's lists.
_COMMON_HERE = (
    "woaini", "1314", "520", "woaini1314", "woaini520", "aini1314", "wodemima", "mima",
)  # fmt: skip
_LONGEST = 72


class PasswordGuessable(Refusal):
    """A new password is among the first that somebody would try."""

    code = "refusal.password_guessable"
    text = (
        "This password would be guessed: it is a common one, a run on the keyboard, a "
        "date, or made of your name, your number or the station's. The password was "
        "not changed. Take several words that do not belong together."
    )


def is_guessable(password: str, known: tuple[str, ...]) -> bool:
    """Tell whether a password falls within a million tries.

    `known` is what everybody knows of its owner: names, numbers.
    """
    # Its lists take some megabytes, for something that is done a few times a year.
    from zxcvbn import zxcvbn

    words = {word for text in known for word in (text, *text.split()) if word}
    words |= {"".join(text.split()) for text in known}
    words |= {"".join(lazy_pinyin(text)) for text in known}
    found = zxcvbn(password[:_LONGEST], user_inputs=[*words, *_COMMON_HERE])
    return int(found["guesses"]) < LEAST_GUESSES
