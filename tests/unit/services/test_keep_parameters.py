"""Parameters set at the station: checked as the file is, audited, in force after it."""

import asyncio
from pathlib import Path

import pytest

from cngstation.config import StationConfig, load_config
from cngstation.config.load import changed
from cngstation.services.keep_parameters import (
    COUNTER,
    FIXED,
    LABELS,
    NAMES,
    LoosenedWithoutReason,
    ParameterFixed,
    ParameterWrong,
    in_force,
    save,
    shown,
    text_of,
    watch_parameters,
    with_parameters,
)
from cngstation.services.verify_books import verify_file
from cngstation.storage import parameters
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.parameters import FIRST_START
from cngstation.storage.sqlite import connect
from tests.small_station import opened, register_card
from tests.unit.daemons.test_process import write_config

BOSS = Actor("01", "test")
EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


@pytest.fixture
def config(tmp_path: Path) -> StationConfig:
    """Return the file's configuration."""
    return load_config(write_config(tmp_path))


def test_only_what_is_set_changes_in_any_configuration() -> None:
    """Of every section of the example, whatever kinds of values it has."""
    example = load_config(EXAMPLE)
    same = {("station", "name"): example.station.name}
    assert changed(example, same | {("limits", "card_fee_yuan"): "20.00"}) == example
    other = changed(example, {("limits", "card_fee_yuan"): "21.00"})
    assert other.limits.card_fee_yuan.fen == 2100
    assert other.lines == example.lines


async def test_an_old_file_counts_until_something_is_set(
    tmp_path: Path, config: StationConfig
) -> None:
    """A station without rows has what its file says, and no first start."""
    async with opened(tmp_path / "s.db") as database:
        assert await in_force(database, config) == config
        found = await database.read(lambda c: shown(c, config))
    assert not found.first
    assert tuple(found.values) == NAMES
    assert found.values["station.name"] == "North Gate"
    assert found.values["limits.top_up_upper_yuan"] == "1000.00"
    assert found.values["limits.negative_top_up"] == "false"


async def test_what_is_set_goes_before_the_file(
    tmp_path: Path, config: StationConfig
) -> None:
    """Every changed one is a fact with who, before and after; the rest stays."""
    async with opened(tmp_path / "s.db") as database:
        await database.write(lambda tx: parameters.put(tx, FIRST_START, "1"))
        assert (await database.read(lambda c: shown(c, config))).first
        given = {name: text_of(config, name) for name in NAMES}
        given |= {
            "station.name": " 北门站 ",
            "limits.card_fee_yuan": "25",
            "limits.cylinder_warning_days": "15",
            "limits.negative_top_up": "true",
        }
        names = await save(database, config, given, BOSS, "new year")
        assert names == (
            "station.name", "limits.card_fee_yuan", "limits.cylinder_warning_days",
            "limits.negative_top_up",
        )  # fmt: skip
        now = await in_force(database, config)
        assert now.station.name == "北门站"
        assert now.limits.card_fee_yuan.fen == 2500
        assert now.limits.negative_top_up is True
        assert now.station.company_name == config.station.company_name
        assert not (await database.read(lambda c: shown(c, config))).first
        assert await save(database, config, given, BOSS) == ()
        acts = await database.read(
            lambda c: c.execute(
                "SELECT subject, before, after, operator_no, reason FROM audit"
            ).fetchall()
        )
    assert len(acts) == 4
    assert ("limits.card_fee_yuan", "20.00", "25.00", "01", "new year") in acts
    assert verify_file(tmp_path / "s.db").proved
    connection = connect(tmp_path / "s.db")
    connection.execute("UPDATE parameter SET value='x' WHERE name='station.name'")
    connection.close()
    assert "parameter" in str(verify_file(tmp_path / "s.db").first_bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("station.station_no", "12"),
        ("station.area_no", "ABCD"),
        ("station.name", ""),
        ("station.name", "x" * 41),
        ("station.name", "\x1b[2J"),
        ("limits.top_up_upper_yuan", "1.005"),
        ("limits.top_up_upper_yuan", "5.00"),  # below the lower one
        ("limits.card_fee_yuan", "-1"),
        ("limits.cylinder_warning_days", "many"),
        ("limits.cylinder_warning_days", "400"),
        ("limits.negative_top_up", "perhaps"),
    ],
)
async def test_what_the_file_could_not_say_is_refused(
    tmp_path: Path, config: StationConfig, name: str, value: str
) -> None:
    """By the file's own rules, those between two keys too; nothing is kept."""
    async with opened(tmp_path / "s.db") as database:
        given = {"station.company_name": "another", name: value}
        with pytest.raises(ParameterWrong) as caught:
            await save(database, config, given, BOSS)
        assert LABELS[name] in caught.value.sentence() or name.endswith("upper_yuan")
        assert "\x1b" not in caught.value.sentence()
        assert await in_force(database, config) == config


@pytest.mark.parametrize(
    ("name", "tighter", "looser"),
    [
        ("limits.top_up_lower_yuan", "20.00", "2.00"),
        ("limits.top_up_upper_yuan", "900.00", "1000.01"),
        ("limits.balance_ceiling_yuan", "1500.00", "20000.00"),
        ("limits.card_fee_yuan", "21.00", "19.99"),
        ("limits.cylinder_warning_days", "40", "9"),
        ("limits.negative_top_up", "", "true"),
        ("printer.daily_digest", "true", "false"),
    ],
)
async def test_a_guard_is_loosened_with_a_reason_only(
    tmp_path: Path, config: StationConfig, name: str, tighter: str, looser: str
) -> None:
    """The service refuses it, and says which; what holds back more needs none."""
    async with opened(tmp_path / "s.db") as database:
        if tighter:
            assert await save(database, config, {name: tighter}, BOSS) == (name,)
        before = await in_force(database, config)
        given = {"station.name": "n", name: looser}
        for reason in ("", " ", "x", "\x1b"):
            with pytest.raises(LoosenedWithoutReason) as caught:
                await save(database, config, given, BOSS, reason)
            assert LABELS[name] in caught.value.sentence()
        assert await in_force(database, config) == before
        assert name in await save(database, config, given, BOSS, "the owner said so")


async def test_numbers_that_stand_on_cards_stay(
    tmp_path: Path, config: StationConfig
) -> None:
    """Before the first card they can be set, after it not; the rest always."""
    async with opened(tmp_path / "s.db") as database:
        given = {"station.station_no": "51010009"}
        assert await save(database, config, given, BOSS) == ("station.station_no",)
        await database.write(register_card)
        assert (await database.read(lambda c: shown(c, config))).fixed == FIXED
        for name, value in (
            ("station.station_no", "51010001"),
            ("station.area_no", "5102"),
            ("station.issue_point_no", "07"),
        ):
            with pytest.raises(ParameterFixed):
                await save(database, config, {name: value}, BOSS)
        given = {"station.station_no": "51010009", "station.name": "n"}
        assert await save(database, config, given, BOSS) == ("station.name",)


async def test_a_program_begins_anew_only_between_acts(
    tmp_path: Path, config: StationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as a parameter is another, but never while an act is prepared."""
    monkeypatch.setattr("cngstation.services.keep_parameters.LOOK_MS", 1)
    looks = []
    under_way = [True, True, False]

    class Ended(Exception):
        pass

    class Program:
        file = config

        def __init__(self, program: str) -> None:
            self.program = program
            self.config = config

        def begin_anew(self) -> None:
            raise Ended

    def looked(_connection: object) -> bool:
        looks.append(1)
        return under_way[len(looks) - 1]

    monkeypatch.setattr("cngstation.services.keep_parameters._under_way", looked)
    async with opened(tmp_path / "s.db") as database:

        def unit(tx: Transaction) -> None:
            parameters.put(tx, "station.name", "another")

        await database.write(unit)
        with pytest.raises(Ended):
            await watch_parameters(database, Program(COUNTER))
        assert len(looks) == 3
        # A name is nothing to a program that fills are booked by; a number is.
        monitor = asyncio.create_task(watch_parameters(database, Program("monitor")))
        await asyncio.sleep(0.1)
        assert not monitor.done()
        under_way.append(False)
        given = {"station.station_no": "51010009"}
        await save(database, config, given, BOSS)
        with pytest.raises(Ended):
            await monitor
    assert with_parameters(config, {}) is config
