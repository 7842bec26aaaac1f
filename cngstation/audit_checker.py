#!/usr/bin/env python3
"""Checks an audit file without the station: `python3 audit_checker.py FILE`.

One file of plain Python (3.8 or later), standard library only; nothing of the program
whose books it checks is used. The format of the file is described above `Reader`.
Exit codes: 0 everything holds, 1 something is wrong and named, 2 usage, 3 not readable.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import sys
import zlib
from array import array
from collections import deque
from functools import lru_cache
from typing import Any, BinaryIO, Callable, Iterator

# Format 2 has fills without a totaliser; in format 1 such told nought.
FORMATS = (1, 2)
SIGNED_AS = b"cngstation audit export 1\n"
LONGEST_LINE = 1 << 26
GENESIS = bytes(32)
OK, WRONG, USAGE, UNREADABLE = 0, 1, 2, 3

# What is wrong, in English and Chinese.
SENTENCES = {
    "not_ours": ("this is no audit file of a station", "这不是加气站的审计文件"),
    "format": ("the format of the file is {found}, this checker knows {known}",
               "文件格式为 {found}，本工具只认识 {known}"),
    "line": ("line {line} is not written as the station writes it",
             "第 {line} 行不是本站程序写出的形式"),
    "beginning": ("the file is called the whole books, but begins behind others at"
                  " record {first}",
                  "文件自称全部账目，却从记录 {first} 起，之前另有记录"),
    "order": ("line {line} stands in the wrong place", "第 {line} 行的位置不对"),
    "cut_off": ("the file ends before its last line: it was cut off",
                "文件没有结尾行：已被截断"),
    "behind_end": ("something stands behind the last line", "结尾行之后还有内容"),
    "damaged": ("the compressed file is damaged: {why}", "压缩文件已损坏：{why}"),
    "field": ("a field is missing or of another kind: {why}",
              "字段缺失或类型不对：{why}"),
    "missing": ("record {expected} is missing, {found} stands in its place",
                "缺少记录 {expected}，其位置上是 {found}"),
    "life": ("the life of the books goes back from {before} to {after}",
             "账套代次从 {before} 退回到 {after}"),
    "link": ("{kind} {ref} does not continue the chain: it, or what is before it, was"
             " changed", "{kind} {ref} 与哈希链不衔接：本条或其前记录被改动"),
    "head": ("the chain ends with another head than the file names",
             "哈希链的末端与文件所记不符"),
    "count": ("the file says {told} records, it has {found}",
              "文件称有 {told} 条记录，实有 {found} 条"),
    "digest": ("the digest of the file differs: a line was changed",
               "文件摘要不符：有行被改动"),
    "unsigned": ("the file is not signed", "文件没有签名"),
    "signature": ("the signature is wrong", "签名不对"),
    "other_key": ("the file is signed with another key than the one given",
                  "文件所用的签名密钥不是给定的密钥"),
    "checkpoint": ("checkpoint {at} names head {told}, the chain had {place} {found}",
                   "检查点 {at} 所记校验码为 {told}，链上 {place} 处为 {found}"),
    "checkpoint_signature": ("checkpoint {at} is not signed with a key of the station",
                             "检查点 {at} 的签名不是本站密钥所签"),
    "anchor": ("paper says {told} at record {at}, the file has {found}",
               "纸面上记录 {at} 为 {told}，文件中为 {found}"),
    "anchor_gone": ("record {at}, which is on paper, is not in the file",
                    "纸面所记的记录 {at} 不在文件中"),
    "paper": ("slip {ref} carries a head of the ledger that the chain never had",
              "凭证 {ref} 上的账本校验码在链中从未出现"),
    "sum": ("entry {ref} does not sum to zero in {unit}: {total}",
            "分录 {ref} 借贷不平，{unit} 差 {total}"),
    "entry_twice": ("an entry id is booked twice", "同一分录号记了两次"),
    "balance": ("account {account}: the station says {told} {unit}, the entries come"
                " to {found}",
                "科目 {account}：站方称 {told} {unit}，分录合计 {found}"),
    "suspense": ("{account} holds {found}, the open act says {told}",
                 "{account} 余额 {found}，未完成业务所记为 {told}"),
    "card": ("card {card}: seen with {told}, its account has {found}",
             "卡 {card}：卡上为 {told}，账上为 {found}"),
    "card_register": ("card {card}: its {field} is not what its last record says",
                      "卡 {card}：{field} 与最后一条登记不符"),
    "card_twice": ("card {card} is told twice", "卡 {card} 出现两次"),
    "card_missing": ("card {card} is registered, and the file does not tell how it was"
                     " last seen", "卡 {card} 已登记，但文件没有给出其最后所见"),
    "lot": ("gas lot {lot} was used beyond what it holds", "气量批次 {lot} 被超额使用"),
    "receipt": ("receipt {found} follows receipt {before}",
                "凭证号 {before} 之后是 {found}，有断号或重号"),
    "sale_twice": ("nozzle {nozzle}: fill {number} is booked twice",
                   "{nozzle} 号枪：第 {number} 笔加气记了两次"),
    "totaliser": ("nozzle {nozzle}: fill {number} does not continue the totaliser and"
                  " no row says why",
                  "{nozzle} 号枪：第 {number} 笔与总累不衔接且无说明"),
    "reading": ("nozzle {nozzle}: the totaliser moved by {size} (1/1000) without a fill"
                " or a row",
                "{nozzle} 号枪：总累变动 {size}（千分之一），无加气记录也无说明"),
    "reading_twice": ("nozzle {nozzle} is taken over or left twice in a row",
                      "{nozzle} 号枪连续两次上班或下班"),
    "sheet": ("shift {shift}, nozzle {nozzle}: {field} is {told} on the handover, its"
              " records come to {found}",
              "{shift} 班 {nozzle} 号枪：交接单 {field} 为 {told}，记录合计 {found}"),
    "books": ("the station's own program says of its books: {why}",
              "本站程序核对账目时报告：{why}"),
    "closing": ("a closing names row {row}, which is not open",
                "有销项指向第 {row} 行，而该行并未处于待处理"),
}  # fmt: skip

# What was proved, in English and Chinese.
REPORT = {
    "proved": ("PROVED: nothing in this file contradicts anything else in it.",
               "通过：文件内各项相互一致。"),
    "wrong": ("WRONG", "有误"),
    "at": ("record {seq}: ", "记录 {seq}："),
    "station": ("Station", "站点"),
    "period": ("Records", "记录范围"),
    "whole": ("the whole books", "全部账目"),
    "part": ("a period: what was before is the file's own statement, provable against"
             " the head before it only",
             "部分期间：期初数为文件自述，只能凭其前的校验码证明"),
    "facts": ("Records chained", "链上记录"),
    "before": ("Head before", "期初校验码"),
    "head": ("Head at the end", "期末校验码"),
    "entries": ("Entries, each summing to zero", "分录（逐笔平衡）"),
    "accounts": ("Accounts whose balance is the sum of their entries",
                 "余额与分录合计一致的科目"),
    "cards": ("Cards compared with their account", "与账面核对一致的卡"),
    "cards_open": ("Cards not comparable (open act, fills under way, waste, replaced)",
                   "暂不可比的卡（业务未完、记录未齐、废卡、已补）"),
    "fills": ("Fills", "加气记录"),
    "goes_on": ("of them joined to the one before by the totaliser",
                "其中与上一笔总累衔接"),
    "readings": ("Totaliser readings proved", "核对一致的总累读数"),
    "shifts": ("Shifts whose sheet is the sum of their fills",
               "交接单与加气记录一致的班次"),
    "breaks": ("Breaks of totalisers, each with a row", "总累断点（均有说明行）"),
    "receipts": ("Receipts without a gap", "连号凭证"),
    "audit": ("Audit rows", "审计记录"),
    "refused": ("of them refused or failed", "其中被拒绝或失败"),
    "approvals": ("of them second persons", "其中第二人确认"),
    "open_rows": ("Rows still open", "未处理事项"),
    "open_acts": ("Acts still open", "未完成业务"),
    "papers": ("Heads on slips that are in the chain", "凭证上的校验码与链一致"),
    "anchors": ("Anchors given that are in the chain", "给定锚点与链一致"),
    "checkpoints": ("Checkpoints that are in the chain", "与链一致的检查点"),
    "checkpoints_signed": ("of them with the station's signature", "其中签名核对一致"),
    "signed": ("Signed with the key given", "签名密钥即给定密钥"),
    "own_key": ("Signed with key {key}; compare it with the station's certificate",
                "签名密钥为 {key}，请与本站证书核对"),
    "not_signed": ("Not signed: who can write the station's file can write this one."
                   " Compare the head with slips and head office.",
                   "未签名：能改站库的人也能造此文件，请用纸质凭证或中心数据核对校验码。"),
    "not_read": ("cannot be read", "无法读取"),
}  # fmt: skip


class Wrong(Exception):
    """The first thing that is wrong, with the record at which it shows."""

    def __init__(self, code: str, seq: int = 0, **named: Any) -> None:
        super().__init__(code)
        self.code, self.seq, self.named = code, seq, named

    def sentence(self, chinese: bool) -> str:
        """Say it."""
        at = REPORT["at"][chinese].format(seq=self.seq) if self.seq else ""
        named = {name: _shown(value) for name, value in self.named.items()}
        return at + SENTENCES[self.code][chinese].format(**named)


def _shown(value: Any) -> str:
    """Return a text of the file fit for a terminal."""
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return text if len(text) <= 80 else text[:79] + "…"


# Ed25519 after RFC 8032, sections 5.1.3 and 5.1.7; points are (X, Y, Z, T).
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
_ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def _add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def _times(number: int, point: tuple[int, ...]) -> tuple[int, ...]:
    made: tuple[int, ...] = NEUTRAL
    while number > 0:
        if number & 1:
            made = _add(made, point)
        point = _add(point, point)
        number >>= 1
    return made


def _point(encoded: bytes) -> tuple[int, ...] | None:
    """Decode a point; None where the bytes are none, or not its only form."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT % P
    if (x * x - square) % P or (not x and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def _encoded(point: tuple[int, ...]) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | ((x & 1) << 255)).to_bytes(32, "little")


# Multiples of a point by each hexadecimal digit: a checkpoint is proved in a fifth of
# the time, and there are ten thousands of them in a year.


def _table(point: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    rows: list[list[tuple[int, ...]]] = []
    for _ in range(64):
        row: list[tuple[int, ...]] = [NEUTRAL]
        for _ in range(15):
            row.append(_add(row[-1], point))
        rows.append(row)
        point = _add(row[-1], point)
    return rows


def _times_of(number: int, table: list[list[tuple[int, ...]]]) -> tuple[int, ...]:
    made: tuple[int, ...] = NEUTRAL
    for row in table:
        made = _add(made, row[number & 15])
        number >>= 4
    return made


_BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or NEUTRAL


@lru_cache(maxsize=1)
def _base() -> list[list[tuple[int, ...]]]:
    return _table(_BASE)


@lru_cache(maxsize=8)
def _owner(key: bytes) -> list[list[tuple[int, ...]]] | None:
    """Return the table of a key's point, negated; None for what is no key."""
    owner = _point(key)
    if owner is None or _encoded(_times(8, owner)) == _encoded(NEUTRAL):
        return None
    return _table((P - owner[0], owner[1], 1, P - owner[3]))


def verify_signature(key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is a key's; keys of small order sign nothing."""
    if len(key) != 32 or len(signature) != 64:
        return False
    owner = _owner(key)
    scalar = int.from_bytes(signature[32:], "little")
    if owner is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    made = _add(_times_of(scalar, _base()), _times_of(challenge, owner))
    return _encoded(made) == signature[:32]


# The file: lines of JSON in one canonical form (sorted keys, no spaces, UTF-8), plain
# or gzip, in this order:
#   {"audit_export":1,"before":HEX,"books":"proved","epoch":N,"first":N,"head":HEX,
#    "key":HEX or "","last":N,"station":TEXT,"station_no":TEXT,"whole":BOOL,...}
#   {"opening":[ACCOUNT,UNIT,AMOUNT]}      balances before `first`; of a period only
#   {"fact":BODY,"head":HEX}               each record; the head is SHA-256 of a zero
#                                          byte, the head before and BODY's bytes
#   {"balance":[ACCOUNT,UNIT,AMOUNT]}      what the station's own table of balances says
#   {"card":{...}}                         how each card was last seen; whole books only
#   {"end":{"facts":N,"sha256":HEX,"signature":HEX or ""}}   the digest is over all
#                                          bytes before this line; the signature, with
#                                          the header's key, is over SIGNED_AS + digest
_FACT = re.compile(rb'\{"fact":(\{.*\}),"head":"([0-9a-f]{64})"\}\n', re.DOTALL)
_PLACES = ("audit_export", "opening", "fact", "balance", "card", "end")


def _no_number(text: str) -> None:
    raise ValueError(text + " is no number of JSON")


class Reader:
    """Reads a file line by line, and keeps the digest of what it has read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._place = 0
        self.line = 0

    def lines(self) -> Iterator[tuple[str, Any, bytes]]:
        """Yield what each line is, its content, and of a fact its bytes and head."""
        while self._place < len(_PLACES) - 1:
            text = self._next()
            if not text.endswith(b"\n"):
                raise Wrong("cut_off")
            self.line += 1
            before = self._digest.copy()
            self._digest.update(text)
            found = _FACT.fullmatch(text)
            body, told = found.groups() if found else (text[:-1], b"")
            content = self._parsed(body)
            kind = "fact" if found else next(iter(content), "")
            if self.line == 1:
                if "audit_export" not in content:
                    raise Wrong("not_ours")
                kind = "audit_export"
            elif not found and (kind not in _PLACES or len(content) != 1):
                raise Wrong("line", line=self.line)
            place = _PLACES.index(kind)
            if place < max(self._place, 1 if self.line > 1 else 0):
                raise Wrong("order", line=self.line)
            self._place = place
            if kind == "end":
                if not isinstance(content["end"], dict):
                    raise Wrong("line", line=self.line)
                yield kind, {**content["end"], "found": before.hexdigest()}, b""
            elif found:
                yield kind, content, bytes.fromhex(told.decode()) + body
            else:
                yield kind, content if self.line == 1 else content[kind], b""
        if self._next():
            raise Wrong("behind_end")

    def _next(self) -> bytes:
        try:
            text = self._file.readline(LONGEST_LINE)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Wrong("damaged", why=error) from error
        return text

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            content = json.loads(text.decode("utf-8"), parse_constant=_no_number)
            again = json.dumps(
                content, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
            same = again.encode("utf-8") == text
        except (ValueError, RecursionError):
            same = False
        if not same or not isinstance(content, dict):
            raise Wrong("not_ours" if self.line == 1 else "line", line=self.line)
        return content


COLLECTION = "make_up_debit"
OPEN_STATES = ("PREPARED", "INDOUBT")
KEPT_HEADS = 256
# What the signature of a checkpoint is over, in the form in which the chain hashes.
SIGNED_OF_CHECKPOINT = (
    "at_ms", "boot_id", "epoch", "mono_ms", "of_head", "of_seq", "station_no",
)  # fmt: skip
# What content of another kind or length raises where it is used.
ODD = (
    KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError,
    RecursionError,
)  # fmt: skip


# In place of the totaliser behind a fill whose dispenser told none.
NO_TOTAL = -1


class Fills:
    """The fills and readings of a nozzle, small: one is some fifty bytes.

    Of a fill without a totaliser, what it moved stands where it began.
    """

    def __init__(self) -> None:
        self.rows = [array("q") for _ in range(5)]  # life, number, began, ended, seq
        self.readings: list[tuple[tuple[int, int], int, str, int]] = []

    def add(self, sale: dict[str, Any], seq: int) -> None:
        """Take a fill in."""
        moved = 0 if sale["transaction_type"] == COLLECTION else sale["quantity_milli"]
        ended = sale["total_quantity_milli"]
        began = moved if ended == NO_TOTAL else ended - moved
        fill = (sale["epoch"], sale["device_seq"], began, ended, seq)
        for column, value in zip(self.rows, fill):
            column.append(value)

    def in_order(self) -> list[tuple[int, int, int, int, int]]:
        """Return the fills by the dispenser's own numbers."""
        return sorted(zip(*self.rows))


def goes_on(last: int, began: int, ended: int, is_carried: bool = False) -> bool:
    """Tell whether a fill begins where the last one ended.

    A totaliser of two decimals behind a fill of three is cut at its last digit, also
    where `last` was carried over fills without a totaliser.
    """
    if is_carried:
        is_cut = not ended % 10 and ((ended - began) % 10 or last % 10)
    else:
        is_cut = (ended - began) % 10 and not (last % 10 or ended % 10)
    off = abs(began - last)
    return off < 10 if is_cut else off == 0


class Checker:
    """Takes the lines of a file in and says what they prove."""

    def __init__(
        self,
        anchors: list[tuple[int, str]],
        key: bytes,
        old_keys: tuple[bytes, ...] = (),
    ) -> None:
        self.header: dict[str, Any] = {}
        self.keys = {each for each in (key, *old_keys) if each}
        self.anchors, self.key, self.digest = list(anchors), key, ""
        self.seq, self.head, self.life = 0, GENESIS, 0
        self.heads: deque[tuple[int, str]] = deque(maxlen=KEPT_HEADS)
        self.counts = dict.fromkeys(REPORT, 0)
        self.sums: dict[tuple[str, str], int] = {}
        self.told: dict[tuple[str, str], int] = {}
        self.entry_ids, self.entry_seqs = array("Q"), array("q")
        self.nozzles: dict[tuple[str, int, int], Fills] = {}
        self.breaks: dict[str, set[tuple[int, ...]]] = {}
        self.open_rows: set[int] = set()
        self.acts: dict[str, int] = {}
        self.scrapped: dict[str, set[str]] = {}
        self.by_hand: dict[str, set[int]] = {}
        self.card_fills: dict[str, array[int]] = {}
        self.registered: dict[str, dict[str, Any]] = {}
        self.seen: set[str] = set()
        self.lots: dict[int, list[int]] = {}
        self.receipt = 0
        self.shift_sums: dict[int, dict[tuple[int, int], list[int]]] = {}

    # The lines.

    def check(self, file: BinaryIO) -> None:
        """Read a file to its end; raises Wrong for the first thing that is wrong."""
        take: dict[str, Callable[[Any, bytes], None]] = {
            "audit_export": self._header, "opening": self._opening, "fact": self._fact,
            "balance": self._balance, "card": self._card, "end": self._end,
        }  # fmt: skip
        for kind, content, text in Reader(file).lines():
            try:
                take[kind](content, text)
            except ODD as error:
                why = f"{type(error).__name__} {error}"
                raise Wrong("field", self.seq, why=why) from error

    def _header(self, header: dict[str, Any], _: bytes) -> None:
        if header["audit_export"] not in FORMATS:
            raise Wrong("format", found=header["audit_export"], known=max(FORMATS))
        if header["books"] != "proved":
            raise Wrong("books", why=header["books"])
        for name, form in (
            ("first", int), ("last", int), ("whole", bool), ("key", str),
            ("station", str), ("station_no", str),
        ):  # fmt: skip
            if type(header[name]) is not form:
                raise TypeError(name)
        self.header = header
        if header["key"]:
            self.keys.add(_hex(header["key"]))
        self.head, self.seq = _hex(header["before"]), header["first"] - 1
        if header["whole"] and (self.seq, self.head) != (0, GENESIS):
            raise Wrong("beginning", first=header["first"])
        self.heads.append((self.seq, self.head.hex()))
        self._anchored()

    def _opening(self, row: list[Any], _: bytes) -> None:
        if self.header["whole"]:
            raise Wrong("beginning", first=self.header["first"])
        account, unit, amount = row
        self.sums[str(account), str(unit)] = _whole(amount)

    def _fact(self, body: dict[str, Any], text: bytes) -> None:
        head, body_text = text[:32], text[32:]
        if body["seq"] != self.seq + 1:
            expected = self.seq + 1
            raise Wrong("missing", expected, expected=expected, found=body["seq"])
        self.seq += 1
        kind, ref = str(body["fact"]), str(body["ref"])
        made = hashlib.sha256(b"\0" + self.head + body_text).digest()
        if made != head:
            raise Wrong("link", self.seq, kind=kind, ref=ref)
        if body["epoch"] < self.life:
            raise Wrong("life", self.seq, before=self.life, after=body["epoch"])
        self.head, self.life = made, body["epoch"]
        self.heads.append((self.seq, made.hex()))
        self._anchored()
        self.counts["facts"] += 1
        take = getattr(self, "_on_" + kind, None)
        if take is not None:
            take(body)

    def _anchored(self) -> None:
        seq, head = self.heads[-1]
        for anchor in [a for a in self.anchors if a[0] in {seq, -1}]:
            if head.startswith(anchor[1]):
                self.counts["anchors"] += 1
                self.anchors.remove(anchor)
            elif anchor[0] == seq:
                found = head[: len(anchor[1])]
                raise Wrong("anchor", seq, told=anchor[1], at=seq, found=found)

    def _balance(self, row: list[Any], _: bytes) -> None:
        account, unit, amount = row
        key = (str(account), str(unit))
        found = self.sums.get(key, 0)
        if found != _whole(amount) or key in self.told:
            raise Wrong("balance", account=account, unit=unit, told=amount, found=found)
        self.told[key] = amount

    def _end(self, end: dict[str, Any], _: bytes) -> None:
        """What can be said once everything has been read."""
        if self.seq != self.header["last"] or end["facts"] != self.counts["facts"]:
            raise Wrong("count", told=end["facts"], found=self.counts["facts"])
        if self.head.hex() != self.header["head"]:
            raise Wrong("head", self.seq)
        for seq, text in self.anchors:
            raise Wrong("anchor_gone", at=seq if seq >= 0 else text)
        if end["sha256"] != end["found"]:
            raise Wrong("digest")
        self._signature(end)
        for (account, unit), found in self.sums.items():
            if found and (account, unit) not in self.told:
                raise Wrong("balance", account=account, unit=unit, told=0, found=found)
        self.counts["accounts"] = len(self.told)
        self._ids()
        if self.header["whole"]:
            for card in sorted(self.registered.keys() - self.seen):
                raise Wrong("card_missing", card=card)
            self._suspense()
        self._totalisers()
        self.counts["open_rows"], self.counts["open_acts"] = (
            len(self.open_rows),
            len(self.acts),
        )

    def _signature(self, end: dict[str, Any]) -> None:
        key, signature = _hex(self.header["key"]), _hex(end["signature"])
        if len(end) != 4 or (signature and not key):
            raise Wrong("signature")
        if self.key and key != self.key:
            raise Wrong("other_key" if key else "unsigned")
        if not key:
            return
        if not signature:
            raise Wrong("unsigned")
        message = SIGNED_AS + _hex(end["sha256"])
        if not verify_signature(key, signature, message):
            raise Wrong("signature")

    def _ids(self) -> None:
        order = sorted(range(len(self.entry_ids)), key=self.entry_ids.__getitem__)
        for one, two in zip(order, order[1:]):
            if self.entry_ids[one] == self.entry_ids[two]:
                seq = max(self.entry_seqs[one], self.entry_seqs[two])
                raise Wrong("entry_twice", seq)

    # The facts, kind by kind.

    def _on_entry(self, body: dict[str, Any]) -> None:
        totals: dict[str, int] = {}
        for account, unit, amount in body["postings"]:
            totals[unit] = totals.get(unit, 0) + _whole(amount)
            key = (account, unit)
            self.sums[key] = self.sums.get(key, 0) + amount
            if not self.sums[key]:
                del self.sums[key]
        for unit, total in totals.items():
            if total:
                ref = body["entry_id"]
                raise Wrong("sum", self.seq, ref=ref, unit=unit, total=total)
        digest = hashlib.sha256(body["entry_id"].encode()).digest()
        self.entry_ids.append(int.from_bytes(digest[:8], "big"))
        self.entry_seqs.append(self.seq)
        self.counts["entries"] += 1
        if "sale" in body:
            self._sale(body["sale"], body.get("shift_no", 0))
        for lot in body.get("lots", ()):
            self.lots[self.seq] = [lot["quantity_milli"], lot["money_e4"]]
        for use in body.get("lot_uses", ()):
            self._use(use)

    def _sale(self, sale: dict[str, Any], shift_no: int) -> None:
        self.counts["fills"] += 1
        key = (sale["station_no"], sale["dispenser_no"], sale["nozzle_no"])
        self.nozzles.setdefault(key, Fills()).add(sale, self.seq)
        if sale["card_key"]:
            fills = self.card_fills.setdefault(sale["card_key"], array("q"))
            fills.append(sale["pseq"])
        sums = self.shift_sums.get(shift_no)
        if sums is not None and sale["transaction_type"] != COLLECTION:
            of_nozzle = sums.setdefault(key[1:], [0, 0, 0])
            of_nozzle[0] += 1
            of_nozzle[1] += sale["quantity_milli"]
            of_nozzle[2] += sale["amount_e4"]

    def _use(self, use: dict[str, Any]) -> None:
        number = use["lot_seq"]
        left = self.lots.get(number)
        if left is None:
            if self.header["whole"]:
                raise Wrong("lot", self.seq, lot=number)
            return
        left[0] -= use["quantity_milli"]
        left[1] -= use["money_e4"]
        if min(*left, use["money_e4"]) < 0 or (not left[0] and left[1]):
            raise Wrong("lot", self.seq, lot=number)
        if not left[0]:
            self.lots[number] = [0, 0]

    def _on_intent_change(self, body: dict[str, Any]) -> None:
        act, card, state = body["intent_id"], body["card_key"], body["state"]
        ended = self.scrapped.setdefault(card, set())
        self.acts.pop(act, None)
        ended.discard(act)
        if state in OPEN_STATES:
            self.acts[act] = body["cash_e4"]
        if state in OPEN_STATES or state == "SCRAP":
            ended.add(act)
        if not ended:
            del self.scrapped[card]
        if body["kind"] == "settle_grey_by_hand" and state == "DONE":
            self.by_hand.setdefault(card, set()).add(body["before_pseq"])

    def _on_register_change(self, body: dict[str, Any]) -> None:
        if body["register"] == "card":
            content = json.loads(body["content"])
            names = ("payment_mode", "unit", "state")
            kept = {name: content[name] for name in names if name in content}
            self.registered[body["row_key"]] = kept

    def _on_audit(self, body: dict[str, Any]) -> None:
        self.counts["audit"] += 1
        self.counts["refused"] += body["outcome"] != "done"
        self.counts["approvals"] += body["act"].endswith(".approve")

    def _on_finding(self, body: dict[str, Any]) -> None:
        self.open_rows.add(self.seq)
        if body["kind"] == "totaliser_break":
            told = json.loads(body["facts"])
            after = told.get("after", told.get("number", 0) - 1)
            place = (told.get("epoch", -1), after, told["expected"], told["found"])
            self.breaks.setdefault(body["subject"], set()).add(place)
            self.counts["breaks"] += 1

    def _on_finding_closed(self, body: dict[str, Any]) -> None:
        row = body["finding_seq"]
        if row in self.open_rows:
            self.open_rows.remove(row)
        elif row >= self.header["first"]:
            raise Wrong("closing", self.seq, row=row)

    def _on_enrolment(self, body: dict[str, Any]) -> None:
        self.keys.add(_hex(body["station_key"]))

    _on_enrolment_request = _on_enrolment

    def _on_checkpoint(self, body: dict[str, Any]) -> None:
        """Where the chain stood before this record, signed where there was a key."""
        place, found = self.heads[-2]
        at, told = body["of_seq"], body["of_head"]
        if (at, told) != (place, found):
            raise Wrong(
                "checkpoint", self.seq, at=at, told=told, place=place, found=found
            )
        self.counts["checkpoints"] += 1
        if not body["signature"] or not self.keys:
            return
        signed = {name: body[name] for name in SIGNED_OF_CHECKPOINT}
        message = json.dumps(
            signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode("utf-8")
        signature = _hex(body["signature"])
        if not any(verify_signature(key, signature, message) for key in self.keys):
            raise Wrong("checkpoint_signature", self.seq, at=at)
        self.counts["checkpoints_signed"] += 1

    def _on_receipt(self, body: dict[str, Any]) -> None:
        number = body["receipt_no"]
        before = self.receipt
        if number != before + 1 and (before or self.header["whole"]):
            raise Wrong("receipt", self.seq, found=number, before=before)
        self.receipt = number
        self.counts["receipts"] += 1
        content = json.loads(body["content"])
        told = content.get("books_head", content.get("head", ""))
        if not told:
            return
        at = content.get("books_seq")
        if at is not None and at < self.heads[0][0]:
            return
        known = [h for seq, h in self.heads if at is None or seq == at]
        if any(head.startswith(told) for head in known):
            self.counts["papers"] += 1
        elif self.header["whole"] or len(self.heads) == KEPT_HEADS:
            raise Wrong("paper", self.seq, ref=body["ref"])

    def _on_shift_step(self, body: dict[str, Any]) -> None:
        shift = body["shift_no"]
        if body["step"] == "opened":
            self.shift_sums[shift] = {}
            return
        sums = self.shift_sums.pop(shift, None)
        if sums is None or not body["sheet"]:
            return
        for sheet in json.loads(body["sheet"]).get("nozzles", ()):
            place = (sheet["dispenser_no"], sheet["nozzle_no"])
            self._sheet(shift, sheet, sums.pop(place, [0, 0, 0]))
        for place, sold in sums.items():
            if any(sold):
                self._differs(shift, place[1], "fills", 0, sold[0])
        self.counts["shifts"] += 1

    def _sheet(self, shift: int, sheet: dict[str, Any], sold: list[int]) -> None:
        nozzle = sheet["nozzle_no"]
        quantity = sheet["quantity_milli"] + sheet["test_milli"]
        for field, told, found in (
            ("fills", sheet["fills"], sold[0]),
            ("quantity_milli", quantity, sold[1]),
            ("amount_e4", max(sheet["amount_e4"], 0), min(sheet["amount_e4"], sold[2])),
        ):
            if told != found:
                self._differs(shift, nozzle, field, told, found)
        for part in ("milli", "e4"):
            whole = sheet["quantity_milli" if part == "milli" else "amount_e4"]
            parts = sum(sheet[f"{name}_{part}"] for name in ("card", "cash", "other"))
            if parts != whole:
                self._differs(shift, nozzle, f"card+cash+other_{part}", whole, parts)

    def _differs(
        self, shift: int, nozzle: int, field: str, told: int, found: int
    ) -> None:
        named = {"shift": shift, "nozzle": nozzle, "field": field}
        raise Wrong("sheet", self.seq, told=told, found=found, **named)

    def _on_shift_reading(self, body: dict[str, Any]) -> None:
        key = (body["station_no"], body["dispenser_no"], body["nozzle_no"])
        life = body.get("life", body["epoch"])
        place = (life, body["device_seq"])
        reading = (place, body["total_quantity_milli"], body["moment"], self.seq)
        self.nozzles.setdefault(key, Fills()).readings.append(reading)

    # What the station says at the end, and what its records come to.

    def _suspense(self) -> None:
        for (account, unit), found in self.sums.items():
            act = account[len("suspense:") :]
            if not account.startswith("suspense:") or act == "unknown_card":
                continue
            told = self.acts.get(act)
            if unit != "CNY" or told is None or found != -told:
                raise Wrong("suspense", account=account, found=found, told=told or 0)
        for act, told in self.acts.items():
            if told and ("suspense:" + act, "CNY") not in self.sums:
                raise Wrong("suspense", account="suspense:" + act, found=0, told=told)

    def _card(self, card: dict[str, Any], _: bytes) -> None:
        name = card["card_key"]
        if name in self.seen:
            raise Wrong("card_twice", card=name)
        self.seen.add(name)
        for field, told in self.registered.get(name, {}).items():
            if card[field] != told:
                raise Wrong("card_register", card=name, field=field)
        settled = (
            card["seen_wseq"] == card["wseq"] and card["seen_pseq"] == card["pseq"]
        )
        if (
            not card["seen_at_ms"] or not settled or card["seen_grey"]
            or card["state"] in ("waste", "replaced") or name in self.scrapped
            or not self._all_in(name, card["pseq"])
        ):  # fmt: skip
            self.counts["cards_open"] += 1
            return
        mode = card["payment_mode"]
        found = self.sums.get(("card:" + name, card["unit"]), 0)
        found = -found if mode.startswith("prepaid") else found
        told = card["seen_balance"] * (10 if mode.endswith("quantity") else 100)
        if told != found:
            raise Wrong("card", card=name, told=told, found=found)
        self.counts["cards"] += 1

    def _all_in(self, card: str, pseq: int) -> bool:
        """Tell whether each of a card's fills up to a counter is booked once."""
        fills = [p for p in self.card_fills.get(card, ()) if p <= pseq]
        distinct = set(fills)
        if len(fills) != len(distinct):
            return False
        hands = self.by_hand.get(card, set()) - set(self.card_fills.get(card, ()))
        by_hand = sum(1 for each in hands if each <= pseq)
        return len(fills) in (pseq, pseq - by_hand)

    def _totalisers(self) -> None:
        for (_, _, nozzle), kept in sorted(self.nozzles.items()):
            named = self.breaks.get(f"nozzle {nozzle}", set())
            fills = kept.in_order()
            self._fills(nozzle, fills, named)
            self._readings(nozzle, kept, fills, named)

    def _fills(
        self,
        nozzle: int,
        fills: list[tuple[int, int, int, int, int]],
        named: set[tuple[int, ...]],
    ) -> None:
        """From one fill to the next by number the totaliser goes on, or has its row."""
        place, stood, is_carried = (0, 0), NO_TOTAL, False
        for fill in fills:
            if place == fill[:2]:
                raise Wrong("sale_twice", fill[4], nozzle=nozzle, number=fill[1])
            if place != (fill[0], fill[1] - 1):
                stood, is_carried = NO_TOTAL, False
            place = fill[:2]
            if fill[3] == NO_TOTAL:
                stood = stood if stood == NO_TOTAL else stood + fill[2]
                is_carried = True
                continue
            if stood != NO_TOTAL:
                if goes_on(stood, fill[2], fill[3], is_carried):
                    self.counts["goes_on"] += 1
                elif not named:
                    raise Wrong("totaliser", fill[4], nozzle=nozzle, number=fill[1])
            stood, is_carried = fill[3], False

    def _readings(
        self,
        nozzle: int,
        kept: Fills,
        fills: list[tuple[int, int, int, int, int]],
        named: set[tuple[int, ...]],
    ) -> None:
        """From one reading to the next, what moved is fills and named breaks."""
        at = 0
        last: tuple[tuple[int, int], int, str, int] | None = None
        for reading in kept.readings:
            place, total, moment, seq = reading
            expected = "off" if last is None else last[2]
            if moment == expected and (last is not None or self.header["whole"]):
                raise Wrong("reading_twice", seq, nozzle=nozzle)
            while last is None and at < len(fills) and fills[at][:2] <= place:
                at += 1
            if last is not None:
                life, number = last[0]
                stood, is_carried = last[1], False
                steps = []
                while at < len(fills) and fills[at][:2] <= place:
                    steps.append(fills[at])
                    at += 1
                for fill in [*steps, (*place, total, total, seq)]:
                    if fill[3] == NO_TOTAL:
                        life, number, is_carried = fill[0], fill[1], True
                        stood += fill[2]
                        continue
                    found = (life, number, stood, fill[2])
                    known = {found, (-1, *found[1:])} & named
                    on = goes_on(stood, fill[2], fill[3], is_carried)
                    if not on and not known:
                        size = fill[2] - stood
                        raise Wrong("reading", seq, nozzle=nozzle, size=size)
                    life, number, stood = fill[0], fill[1], fill[3]
                    is_carried = False
            self.counts["readings"] += 1
            last = reading


def _hex(text: str) -> bytes:
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise ValueError("not in its only form: " + text)
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value


# The command.


def opened(path: str) -> BinaryIO:
    """Open a file, packed or not."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rb")  # type: ignore[return-value] # it reads alike
    return open(path, "rb")


_NUMBERS = (
    "facts", "entries", "accounts", "cards", "cards_open", "fills", "goes_on",
    "readings", "shifts", "breaks", "receipts", "audit", "refused", "approvals",
    "papers", "checkpoints", "checkpoints_signed", "anchors", "open_rows", "open_acts",
)  # fmt: skip


def report(checker: Checker, chinese: bool) -> str:
    """Say in numbers what a file proves."""
    header = checker.header
    text = {name: both[chinese] for name, both in REPORT.items()}
    which = text["whole" if header["whole"] else "part"]
    shown = f"{header['first']} - {header['last']} ({which})"
    rows = [
        (text["station"], _shown(f"{header['station_no']} {header['station']}")),
        (text["period"], shown),
        *((text[name], str(checker.counts[name])) for name in _NUMBERS),
        (text["before"], header["before"]),
        (text["head"], header["head"]),
    ]
    signed = text["not_signed"]
    if header["key"]:
        signed = text["signed"] if checker.key else text["own_key"]
    said = [f"{name}: {value}" for name, value in rows]
    return "\n".join([*said, signed.format(key=header["key"]), text["proved"]])


def _anchor(text: str) -> tuple[int, str]:
    seq, _, head = text.rpartition(":")
    if not re.fullmatch(r"[0-9]*:[0-9a-fA-F]{8,64}", text):
        raise argparse.ArgumentTypeError("SEQ:HEAD or :HEAD, 8 to 64 hexadecimal")
    return (int(seq) if seq else -1), head.lower()


def _key(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("64 hexadecimal digits")
    return bytes.fromhex(text)


def main(arguments: list[str] | None = None) -> int:
    """Check a file; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("--key", type=_key, default=b"", help="the station's own")
    parser.add_argument(
        "--old-key", type=_key, action="append", default=[],
        help="one that the station had before; its checkpoints are signed with it",
    )  # fmt: skip
    parser.add_argument(
        "--anchor", type=_anchor, action="append", default=[], metavar="SEQ:HEAD",
        help="a head of the ledger as it stands on a slip; :HEAD for any place",
    )  # fmt: skip
    parser.add_argument("--lang", choices=("zh", "en"))
    given = parser.parse_args(arguments)
    language = given.lang or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    chinese = language.startswith("zh")
    checker = Checker(given.anchor, given.key, tuple(given.old_key))
    try:
        with opened(given.file) as file:
            checker.check(file)
    except OSError as error:
        print(f"{given.file}: {REPORT['not_read'][chinese]}: {error}", file=sys.stderr)
        return UNREADABLE
    except Wrong as wrong:
        print(f"{REPORT['wrong'][chinese]}: {wrong.sentence(chinese)}")
        return WRONG
    print(report(checker, chinese))
    return OK


if __name__ == "__main__":
    sys.exit(main())
