"""Keys, peers, rules, prices of a top-up: each service of a few lines."""

import grp
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.config import load_config
from cngstation.domain.payment import PaymentMode
from cngstation.errors import ConfigError
from cngstation.rpc.authority import Peer
from cngstation.services.admit_peers import admits
from cngstation.services.price_top_up import (
    AmountRefused,
    OverCeiling,
    OverLimit,
    Wanted,
    price_top_up,
    require_ceiling,
    require_limits,
)
from cngstation.services.read_credentials import read_credential
from cngstation.services.station_rules import rules_of
from cngstation.units import ZERO, Money, Price, Unit
from tests.unit.daemons.test_process import write_config
from tests.unit.services.test_register_customers import RULES

PRICE = Price(4_5000)
MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY


def yuan(fen: int) -> Money:
    """Return an amount of fen."""
    return Money.from_fen(fen)


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    """Hexadecimal digits, spaces and lines as people write them."""
    path = tmp_path / "key"
    path.write_text(bytes(range(32)).hex(" ", 4).upper() + "\n")
    assert read_credential(path, 32) == bytes(range(32))
    assert read_credential(path, 16) == bytes(range(16))


@pytest.mark.parametrize(
    "content", [None, b"", b"abc", b"zz" * 32, b"ab" * 31, b"\xff\xfe" * 40]
)
def test_a_bad_key_file_is_named_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    """The path and what is allowed; never a digit of what is there."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="64 hexadecimal digits") as refused:
        read_credential(path, 32)
    assert str(path) in str(refused.value)
    assert "zzzz" not in str(refused.value)
    assert "abab" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_who_may_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, the daemon's own user and the screens' group, by gid or by membership."""
    group = grp.struct_group(("cng-tui", "x", 777, ["cashier"]))
    users = {5: "cashier", 6: "stranger"}

    def user(uid: int) -> pwd.struct_passwd:
        return pwd.struct_passwd((users[uid], "x", uid, 5, "", "/", "/"))

    monkeypatch.setattr(grp, "getgrnam", lambda name: group)
    monkeypatch.setattr(pwd, "getpwuid", user)
    monkeypatch.setattr(os, "getuid", lambda: 900)
    admitted = [
        admits(Peer(1, uid, gid))
        for uid, gid in ((0, 0), (900, 1), (6, 777), (5, 5), (6, 5), (8, 5))
    ]
    assert admitted == [True, True, True, True, False, False]


def test_without_the_group_nobody_else_is_admitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine where the group was never made admits its own user alone."""

    def missing(name: str) -> grp.struct_group:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", missing)
    assert not admits(Peer(1, os.getuid() + 1, 777))
    assert admits(Peer(1, os.getuid(), 777))


def test_rules_come_from_the_configuration(tmp_path: Path) -> None:
    """Limits as money, the day's first minute, gas in m³ where no nozzle says."""
    rules = rules_of(load_config(write_config(tmp_path)))
    assert rules.station_no == "51010001"
    assert rules.single_upper == yuan(100_000)
    assert rules.business_day_starts_minute == 0
    assert rules.gas_unit is Unit.M3
    with_line = write_config(tmp_path).read_text() + (
        '\n[[lines]]\nname = "l"\nport = "/dev/zero"\nprotocol = "jxv4"\n'
        "baud = 9600\n[[lines.nozzles]]\ngun = 1\nnozzle_no = 1\ndispenser_no = 1\n"
        'unit = "kg"\nunit_code = 1\n'
    )
    path = tmp_path / "line.toml"
    path.write_text(with_line)
    assert rules_of(load_config(path)).gas_unit is Unit.KG


@pytest.mark.parametrize(
    ("mode", "wanted", "purse", "book", "cash"),
    [
        (MONEY, Wanted(yuan(5_000), 0), 5_000, 50_0000, 5_000),
        (GAS, Wanted(ZERO, 1_000), 1_000, 10_000, 4_500),
        (GAS, Wanted(ZERO, 1), 1, 10, 5),
        (GAS, Wanted(yuan(10_000), 0), 2_222, 22_220, 9_999),
        (PaymentMode.CREDIT_MONEY, Wanted(yuan(1), 0), 1, 100, 1),
    ],
)
def test_a_wish_is_priced(
    mode: PaymentMode, wanted: Wanted, purse: int, book: int, cash: int
) -> None:
    """Change that buys no whole step is not taken: the price of the gas is."""
    priced = price_top_up(mode, wanted, PRICE, RULES)
    assert (priced.purse, priced.book, priced.cash) == (purse, book, yuan(cash))


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (MONEY, Wanted(ZERO, 0)),
        (MONEY, Wanted(yuan(1), 1)),
        (MONEY, Wanted(ZERO, 1)),
        (GAS, Wanted(yuan(4), 0)),
    ],
)
def test_a_wish_for_nothing_or_two_things_is_refused(
    mode: PaymentMode, wanted: Wanted
) -> None:
    """Money or gas, and something of it."""
    with pytest.raises(AmountRefused):
        price_top_up(mode, wanted, PRICE, RULES)


@pytest.mark.parametrize(
    ("fen", "refused"),
    [(999, True), (1_000, False), (100_000, False), (100_001, True)],
)
def test_limits_of_one_top_up(fen: int, refused: bool) -> None:
    """The limits themselves are allowed; an upper limit of zero is none."""
    priced = price_top_up(MONEY, Wanted(yuan(fen), 0), PRICE, RULES)
    open_end = replace(RULES, single_upper=ZERO)
    if refused:
        with pytest.raises(OverLimit, match=r"10\.00 to 1000\.00"):
            require_limits(priced, RULES)
    else:
        require_limits(priced, RULES)
    if fen > 1_000:
        require_limits(priced, open_end)


def test_the_ceiling_of_a_card() -> None:
    """Exactly the ceiling is allowed; a ceiling of zero is none."""
    require_ceiling(yuan(500_000), RULES)
    require_ceiling(yuan(500_001), replace(RULES, balance_ceiling=ZERO))
    with pytest.raises(OverCeiling, match=r"5000\.01"):
        require_ceiling(yuan(500_001), RULES)
