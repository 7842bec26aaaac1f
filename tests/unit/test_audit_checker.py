"""The stand-alone checker: signatures of RFC 8032, any Python, plain words."""

import ast
import asyncio
import gzip
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from cngstation import audit_checker
from cngstation.audit_checker import ORDER, P, verify_signature
from tests import audit_files
from tests.audit_files import KEY, anew, found_wrong
from tests.furnished_station import furnish
from tests.small_station import opened

SOURCE = Path(audit_checker.__file__)

# RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc).
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
)


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_vectors_of_the_standard(key: str, message: str, signature: str) -> None:
    """Good as printed, wrong with another message."""
    given = [bytes.fromhex(text) for text in (key, signature, message)]
    assert verify_signature(*given)
    assert not verify_signature(given[0], given[1], given[2] + b"\0")


def _other(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _compare(count: int, seed: int) -> None:
    chance = random.Random(seed)
    good = 0
    for _ in range(count):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        key, message = private.public_key().public_bytes_raw(), chance.randbytes(40)
        signature = private.sign(message)
        scalar = int.from_bytes(signature[32:], "little")
        spoiled = bytearray(signature)
        spoiled[chance.randrange(64)] ^= 1 << chance.randrange(8)
        key_spoiled = bytearray(key)
        key_spoiled[chance.randrange(32)] ^= 1 << chance.randrange(8)
        case = chance.choice(
            [
                (key, signature, message),
                (key, bytes(spoiled), message),
                (bytes(key_spoiled), signature, message),
                (key, signature, message + b"x"),
                # The same number, not reduced.
                (
                    key,
                    signature[:32] + (scalar + ORDER).to_bytes(32, "little"),
                    message,
                ),
                (key, signature[:63], message),
                (key[:31], signature, message),
            ]
        )
        said = verify_signature(*case)
        assert said is _other(*case), [part.hex() for part in case]
        good += said
    assert good


def test_the_same_verdicts_as_another_implementation() -> None:
    """Good, spoiled, not reduced, too short."""
    _compare(60, seed=1)


@pytest.mark.campaign
def test_the_same_verdicts_a_thousand_times() -> None:
    """The same, longer."""
    _compare(1_000, seed=2)


# The eight points of small order (RFC 7748 and others name them by y), and forms of
# numbers that are not reduced.
SMALL = [
    0,
    1,
    P - 1,
    int("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 16),
    int.from_bytes(
        bytes.fromhex(
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
        ),
        "little",
    ),
    int.from_bytes(
        bytes.fromhex(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        ),
        "little",
    ),
    P,
    P + 1,
]


@pytest.mark.parametrize("y", SMALL)
@pytest.mark.parametrize("sign", [0, 1])
def test_keys_of_small_order_sign_nothing(y: int, sign: int) -> None:
    """R = the neutral point and S = 0 would fit such a key whatever is signed."""
    key = (y | sign << 255).to_bytes(32, "little")
    forged = (1).to_bytes(32, "little") + bytes(32)
    for message in (b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"):
        assert not verify_signature(key, forged, message)


def test_it_stands_alone() -> None:
    """Standard library only; the words of any Python from 3.8 on."""
    tree = ast.parse(SOURCE.read_text("utf-8"), feature_version=(3, 8))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").split(".")[0])
    assert names <= sys.stdlib_module_names | {"__future__"}
    methods = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    younger = {"removeprefix", "removesuffix", "bit_count", "pairwise", "batched"}
    assert not methods & younger


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A station's books as a file: plain, packed, signed, unsigned."""
    folder = tmp_path_factory.mktemp("files")
    path = folder / "s.db"

    async def make() -> None:
        await furnish(path)
        async with opened(path) as db:
            for name, key in (("plain.jsonl", None), ("signed.jsonl.gz", KEY)):
                await audit_files.export(db, path, folder / name, key=key)

    asyncio.run(make())
    return {name: folder / name for name in ("plain.jsonl", "signed.jsonl.gz")}


def _run(*arguments: str | Path, language: str = "en_US") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", SOURCE, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={"LANG": f"{language}.UTF-8", "PYTHONUTF8": "1", "PATH": "/usr/bin"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_it_runs_on_its_own(files: dict[str, Path], tmp_path: Path) -> None:
    """Numbers and a verdict in both languages; exit codes 0 to 3."""
    plain, signed = files.values()
    code, said = _run(plain)
    assert code == 0
    assert "Records chained: 30" in said
    assert "PROVED" in said
    assert "Not signed" in said
    head = said.split("Head at the end: ")[1][:16]
    code, said = _run(plain, "--anchor", f"30:{head}", "--anchor", f":{head[:8]}")
    assert (code, "in the chain: 2" in said) == (0, True)
    code, said = _run(plain, "--anchor", "30:00000000", language="zh_CN")
    assert (code, "有误" in said, "纸面" in said) == (1, True, True)
    code, said = _run(signed, "--key", KEY.public_key.hex(), language="zh_CN")
    assert (code, "通过" in said, "签名密钥即给定密钥" in said) == (0, True, True)
    assert _run(plain, "--key", KEY.public_key.hex())[0] == 1
    assert _run(plain, "--key", "00")[0] == 2
    assert _run(tmp_path / "none")[0] == 3


def test_what_is_no_audit_file(files: dict[str, Path], tmp_path: Path) -> None:
    """A sentence and no traceback, whatever the bytes."""
    signed = files["signed.jsonl.gz"].read_bytes()
    for number, content in enumerate(
        (b"", b"\n", b"{}\n", b"[]\n", b'{"audit_export":1}\n', b'{"audit_export":2,',
         b"\x1f\x8b", signed[:-9], signed[:40], signed + b"x", b"[" * 100_000 + b"\n",
         b'{"audit_export":1,"before":1,"books":"proved"}\n', bytes(4_000))
    ):  # fmt: skip
        path = tmp_path / str(number)
        path.write_bytes(content)
        code, said = _run(path) if number % 4 == 0 else (1, "WRONG")
        assert (code, "WRONG" in said, "Traceback" in said) == (1, True, False)
        with audit_checker.opened(str(path)) as file:
            checker = audit_checker.Checker([], b"")
            with pytest.raises(audit_checker.Wrong):
                checker.check(file)


def test_lines_that_hide_something(files: dict[str, Path]) -> None:
    """Another spelling of the same values, a name twice, text that steers."""
    text = files["plain.jsonl"].read_bytes()
    lines = text.splitlines(keepends=True)
    for line in (
        lines[1].replace(b'"seq":1', b'"seq":1.0'),
        lines[1].replace(b'{"fact":{', b'{"fact":{"act":"x",', 1),
        lines[1].replace(b":", b": ", 1),
        lines[1].replace(b'"seq":1,', b'"seq":0,"seq":1,'),
        lines[1].replace(b'"seq":1', b'"seq":NaN'),
    ):
        assert line != lines[1]
        assert found_wrong(b"".join([lines[0], line, *lines[2:]])) is not None

    def steering(facts: list[audit_files.Fact]) -> list[audit_files.Fact]:
        entry = next(fact for fact in facts if "postings" in fact)
        entry["entry_id"] = "\x1b]0;x\x07" + "A" * 500
        entry["postings"][0][2] += 1
        return facts

    wrong = found_wrong(anew(text, steering))
    said = wrong.sentence(chinese=False)
    assert "\x1b" not in said
    assert len(said) < 300


def test_a_file_of_another_format_and_of_wrong_books(files: dict[str, Path]) -> None:
    """Both are said before anything else is looked at."""
    lines = files["plain.jsonl"].read_bytes().splitlines(keepends=True)
    for name, value, code in (
        ("audit_export", 3, "format"),
        ("books", "entry row 3 was changed", "books"),
    ):
        header = {**json.loads(lines[0]), name: value}
        text = b"".join([audit_files.canonical(header), b"\n", *lines[1:]])
        assert found_wrong(text).code == code


def test_files_of_the_format_before_are_still_read(files: dict[str, Path]) -> None:
    """And what is exported now is not taken for one of them by an older checker."""
    text = files["plain.jsonl"].read_bytes()
    lines = text.splitlines(keepends=True)
    assert json.loads(lines[0])["audit_export"] == max(audit_checker.FORMATS) == 2
    assert found_wrong(_ended(_headed(lines, audit_export=1))) is None


def test_packed_and_plain_are_the_same_lines(files: dict[str, Path]) -> None:
    """Only the key, the signature and one audit row differ."""
    plain = files["plain.jsonl"].read_bytes().splitlines()
    packed = gzip.decompress(files["signed.jsonl.gz"].read_bytes()).splitlines()
    assert plain[1:31] == packed[1:31]
    assert len(packed) == len(plain) + 1


def _ended(text: bytes, **changes: str) -> bytes:
    """Return lines with the digest that belongs to them, as an insider makes it."""
    whole = text[: text.rindex(b'{"end"')]
    end = json.loads(text[len(whole) :])["end"]
    end |= {"sha256": hashlib.sha256(whole).hexdigest(), **changes}
    return whole + audit_files.canonical({"end": end}) + b"\n"


def test_each_guard_by_itself(files: dict[str, Path]) -> None:
    """With the digest made anew, what is wrong is named where it is."""
    text = files["plain.jsonl"].read_bytes()
    assert found_wrong(_ended(text)) is None
    header = text.split(b"\n", 1)[0]
    spaced = text.replace(header, header.replace(b'"books":', b'"books": '), 1)
    assert found_wrong(_ended(spaced)).code == "not_ours"
    twice = text.replace(header, header.replace(b"{", b'{"whole":false,', 1), 1)
    assert found_wrong(_ended(twice)).code == "not_ours"
    assert found_wrong(_ended(text, signature="00" * 64)).code == "signature"
    assert found_wrong(_ended(text, other="x")).code == "signature"
    changed = _ended(text.replace(b'"operator.add"', b'"operator.bad"', 1))
    wrong = found_wrong(changed)
    assert (wrong.code, wrong.seq) == ("link", 2)


def _headed(lines: list[bytes], **changes: Any) -> bytes:
    """Return lines with another header and the digest that belongs to them."""
    header = {**json.loads(lines[0]), **changes}
    kept = {name: value for name, value in header.items() if value is not ...}
    return _ended(b"".join([audit_files.canonical(kept), b"\n", *lines[1:]]))


def test_whole_books_begin_at_the_beginning(files: dict[str, Path]) -> None:
    """Without its first records a file is a period, whatever it calls itself."""
    lines = files["plain.jsonl"].read_bytes().splitlines(keepends=True)
    end = json.loads(lines[-1])["end"]
    before = json.loads(lines[1])["head"]
    assert "postings" not in json.loads(lines[1])["fact"]
    kept = [lines[0], *lines[2:-1]]
    kept.append(audit_files.canonical({"end": {**end, "facts": end["facts"] - 1}}))
    assert found_wrong(_headed(kept, first=2, before=before)).code == "beginning"
    period = [one for one in kept if not one.startswith(b'{"card"')]
    assert found_wrong(_headed(period, first=2, before=before, whole=False)) is None
    invented = audit_files.canonical({"opening": ["safe:", "CNY", 0]}) + b"\n"
    assert found_wrong(_headed([lines[0], invented, *lines[1:]])).code == "beginning"


def test_each_registered_card_is_told_once(files: dict[str, Path]) -> None:
    """A card that does not fit the books is neither left out nor told twice."""
    lines = files["plain.jsonl"].read_bytes().splitlines(keepends=True)
    card = lines[-2]
    assert card.startswith(b'{"card"')
    without = b"".join([*lines[:-2], lines[-1]])
    assert found_wrong(_ended(without)).code == "card_missing"
    assert found_wrong(_ended(b"".join([*lines[:-1], card, lines[-1]]))).code == (
        "card_twice"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first", "1"),
        ("first", 1.5),
        ("first", True),
        ("last", 30.0),
        ("whole", "yes"),
        ("station", ...),
        ("station_no", ...),
    ],
)
def test_a_header_has_its_fields_in_their_kinds(
    files: dict[str, Path], name: str, value: Any
) -> None:
    """What is missing or of another kind is named at once."""
    lines = files["plain.jsonl"].read_bytes().splitlines(keepends=True)
    assert found_wrong(_headed(lines, **{name: value})).code == "field"


def test_what_json_has_not_is_wrong(files: dict[str, Path]) -> None:
    """No number that is none; no last line that is no object."""
    lines = files["plain.jsonl"].read_bytes().splitlines(keepends=True)
    assert found_wrong(_headed(lines, other=float("nan"))).code == "not_ours"
    for end in (5, [], None, "x"):
        last = audit_files.canonical({"end": end}) + b"\n"
        assert found_wrong(b"".join([*lines[:-1], last])).code == "line"
