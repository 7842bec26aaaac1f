"""The configuration: the example is complete, and each refusal says what to do."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from cngstation.config import ConfigProblems, StationConfig, load_config
from cngstation.config.load import LARGEST_FILE_BYTES, MOST_PROBLEMS
from cngstation.config.values import Section
from cngstation.errors import ConfigError
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Money, Unit

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TEXT = EXAMPLE.read_text("utf-8")
KEY = re.compile(r"^(?:# )?([a-z_]+) = ")
HEADER = re.compile(r"^(?:# )?\[+([a-z_.]+)\]+$")


def keys_of(section: type[Section], path: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = [
            kind
            for kind in (field.annotation, *get_args(field.annotation))
            if isinstance(kind, type) and issubclass(kind, Section)
        ]
        if inner:
            yield from keys_of(inner[0], f"{path}{name}.")
        else:
            yield path + name


def keys_written(text: str) -> Iterator[str]:
    section = ""
    for line in text.splitlines():
        if header := HEADER.match(line):
            section = header[1]
        elif key := KEY.match(line):
            yield f"{section}.{key[1]}"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The example with one place changed; the place must exist."""
    assert old in TEXT
    path = tmp_path / "station.toml"
    path.write_text(TEXT.replace(old, new, 1), "utf-8")
    return path


def refusal(path: Path) -> ConfigProblems:
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert isinstance(refused.value, ConfigProblems)
    return refused.value


def test_the_example_is_a_configuration() -> None:
    """The shipped example loads, and its values arrive in our units."""
    config = load_config(EXAMPLE)
    assert config.station.issue_point_no == "01"
    assert config.station.cut_off_minute == 0
    assert config.limits.top_up_upper_yuan == Money.from_fen(10_000_00)
    assert config.lines[0].nozzles[1].unit is Unit.M3


def test_the_example_names_every_key_and_no_other() -> None:
    """A key that is missing in the example, or only there, fails."""
    assert set(keys_written(TEXT)) == set(keys_of(StationConfig))


def test_a_reader_of_the_service_is_named_and_has_no_port(tmp_path: Path) -> None:
    """Each kind has its own place; the other's is refused, and so is none."""
    by_port = TEXT[TEXT.index('kind = "pn532"') : TEXT.index("[printer]")]
    by_name = changed(tmp_path, by_port, 'kind = "pcsc"\nname = "ACS 00 00"\n')
    assert load_config(by_name).reader.name == "ACS 00 00"
    for reader, problem in (
        ('kind = "pcsc"\n', "reader.name: it is missing. Allowed: the name that"),
        ('kind = "pn532"\n', "reader.port: it is missing. Allowed: the path of a"),
        (
            'kind = "pcsc"\nname = "ACS"\nport = "/dev/ttyS0"\n',
            'reader.port: a reader of kind "pcsc" has none. Allowed: reader.name',
        ),
        (
            'kind = "pn532"\nport = "/dev/ttyS0"\nname = "ACS"\n',
            'reader.name: a reader of kind "pn532" has none. Allowed: reader.port',
        ),
        ('kind = "pcsc"\nname = "\\u001b[2J"\n', "reader.name"),
    ):
        found = refusal(changed(tmp_path, by_port, reader)).problems
        assert problem in found[0]


def test_the_keys_of_fuel_cards_are_a_file_or_none(tmp_path: Path) -> None:
    """Stations without such cards need no file."""
    assert load_config(EXAMPLE).paths.fuel_card_keys is None
    given = changed(tmp_path, 'fuel_card_keys = ""', 'fuel_card_keys = "/run/keys"')
    assert load_config(given).paths.fuel_card_keys == Path("/run/keys")
    wrong = changed(tmp_path, 'fuel_card_keys = ""', 'fuel_card_keys = "keys"')
    assert "paths.fuel_card_keys" in refusal(wrong).problems[0]


def test_the_examples_commented_line_is_one_too(tmp_path: Path) -> None:
    """The other lines of dispensers can be used as they stand."""
    begin = TEXT.index("# [[lines]]")
    end = TEXT.index("[reader]")
    used = TEXT[begin:end].replace("# ", "")
    path = tmp_path / "station.toml"
    path.write_text(TEXT[:begin] + used + TEXT[end:], "utf-8")
    assert [line.name for line in load_config(path).lines] == [
        "east",
        "west",
        "gateway",
    ]


@pytest.mark.parametrize(
    ("protocol", "place", "problem"),
    [
        ("jxv4", "baud = 9600", "lines.0.port: it is missing. Allowed: the path of a"),
        ("jxv4", 'port = "/dev/ttyS9"', "lines.0.baud: it is missing. Allowed: 1200"),
        (
            "jxv4",
            'port = "/dev/ttyS9"\nbaud = 9600\nurl = "http://10.0.0.9/jsonPTS"',
            "lines.0.url: a line of jxv4 has none. Allowed: port and baud.",
        ),
        (
            "pts",
            'url = "http://10.0.0.9/jsonPTS"',
            "lines.0.credential: it is missing. Allowed: a path",
        ),
        (
            "pts",
            'url = "http://10.0.0.9/jsonPTS"\ncredential = "/k"\nbaud = 9600',
            "lines.0.baud: a line of pts has none. Allowed: url and credential.",
        ),
        ("pts", 'url = "http://a b/"\ncredential = "/k"', "lines.0.url"),
        ("pts", 'url = "http://u:p@a/x"\ncredential = "/k"', "lines.0.url"),
        ("pts", 'url = "ftp://a/x"\ncredential = "/k"', "lines.0.url"),
    ],
)
def test_a_line_has_what_its_transport_needs(
    tmp_path: Path, protocol: str, place: str, problem: str
) -> None:
    """A port and its speed, or an address and a credential; not the other's."""
    begin, end = TEXT.index("\n[[lines]]"), TEXT.index("[reader]")
    line = (
        f'\n[[lines]]\nname = "x"\nprotocol = "{protocol}"\n{place}\n'
        "[[lines.nozzles]]\ngun = 1\nnozzle_no = 1\ndispenser_no = 1\n"
        'unit = "m3"\nunit_code = 0\n'
    )
    path = tmp_path / "station.toml"
    path.write_text(TEXT[:begin] + line + TEXT[end:], "utf-8")
    assert problem in refusal(path).problems[0]


def test_a_controller_stands_on_one_line(tmp_path: Path) -> None:
    """Two lines at one address would answer for the same pumps."""
    begin, end = TEXT.index("# [[lines]]", TEXT.index("## A ")), TEXT.index("[reader]")
    used = TEXT[begin:end].replace("# ", "")
    again = used.replace("gateway", "other").replace("nozzle_no = 4", "nozzle_no = 5")
    path = tmp_path / "station.toml"
    path.write_text(TEXT[:begin] + used + again + TEXT[end:], "utf-8")
    assert (
        "lines.2.url: http://192.168.1.9/jsonPTS is also" in refusal(path).problems[0]
    )


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    """Without lines, printer, till, security and log a station still starts."""
    kept = TEXT[: TEXT.index("\n[[lines]]")] + TEXT[TEXT.index("\n[reader]") :]
    kept = kept[: kept.index("[printer]")] + kept[kept.index("[limits]") :]
    path = tmp_path / "station.toml"
    path.write_text(kept[: kept.index("[security]")], "utf-8")
    config = load_config(path)
    assert (config.lines, config.printer.port, config.log.level) == ((), "", "info")
    assert config.security.wrong_tries == 3


def test_the_day_may_begin_later(tmp_path: Path) -> None:
    """The business day's start is a minute of the local day."""
    path = changed(tmp_path, '"00:00"', '"06:30"')
    assert load_config(path).station.cut_off_minute == 390


# Place in the example, what stands there instead, key, and words of the sentence.
REFUSALS = {
    "wrong type": ("baud = 38400", 'baud = "38400"', "lines.0.baud", "9600, 19200"),
    "wrong number": ("baud = 38400", "baud = 4801", "lines.0.baud", "4801 does not"),
    "number for text": ('"0316"', "316", "station.area_no", '316 does not fit. .*"4 d'),
    "true for a number": ("tries = 3", "tries = true", "security.wrong_tries", "true"),
    "number for true": ("es = false", "es = 0", "printer.two_copies", "true or"),
    "out of range": ("gun = 1", "gun = 256", "lines.0.nozzles.0.gun", "1 to 255"),
    "broadcast": ("gun = 1", "gun = 0", "lines.0.nozzles.0.gun", "1 to 9999"),
    "no nozzle": ('"jxv4"', '"sinopec"', "lines.0.nozzles.1.gun", "101 to 9999 on a"),
    "speed": ('"jxv4"', '"dart"', "lines.0.baud", "Allowed: 9600, 19200"),
    "option": ("options = {}", "options = {a = 1}", "lines.0", "no option"),
    "wide digits": ('"03160001"', '"０3160001"', "station.station_no", "8 digits"),
    "too short": ('"03160001"', '"0316001"', "station.station_no", "8 digits"),
    "point 00": ('"01"', '"00"', "station.issue_point_no", '"01" to "99"'),
    "hour 24": ('"00:00"', '"24:00"', "station.business_day_starts", "HH:MM"),
    "no such word": ('"single"', '"lan"', "station.network", '"lan" does not fit'),
    "unit": ('"m3"', '"CNY"', "lines.0.nozzles.0.unit", '"kg"'),
    "path as a list": (
        'fuel_card_keys = ""', "fuel_card_keys = []", "paths.fuel_card_keys", "none"
    ),
    "unit as a list": ('"m3"', "[]", "lines.0.nozzles.0.unit", '"kg"'),
    "relative path": ('"/run/cng', '"run/cng', "paths.runtime_dir", "begins with /"),
    "path with control": ('"/run/cng', '"/run/\\u001b', "paths.runtime_dir", "begins"),
    "port by name": ('"/dev/serial/by-id/usb-card', '"COM1', "reader.port", "serial"),
    "control in text": ('"示例加气站"', '"a\\u001b[2J"', "station.name", "plain text"),
    "empty text": ('"示例加气站"', '" "', "station.name", "1 to 40"),
    "long text": ('"示例加气站"', f'"{"x" * 41}"', "station.name", "1 to 40"),
    "money as number": ('"20.00"', "20", "limits.card_fee_yuan", "20 does not fit"),
    "money as float": ('"20.00"', "20.00", "limits.card_fee_yuan", "with a point"),
    "float for a count": ("days = 10", "days = 10.0", "limits.cylinder_w", "a point"),
    "part of a fen": ('"20.00"', '"20.001"', "limits.card_fee_yuan", "two decimals"),
    "negative": ('"20.00"', '"-20.00"', "limits.card_fee_yuan", '"0.00" to'),
    "beyond a purse": ('"20000.00"', '"21474836.48"', "limits.balance", "21474836.47"),
    "unknown key": ("gun = 1 ", "gunn = 1 ", "lines.0.nozzles.0.gunn", "is gun meant"),
    "unknown section": ("[till]", "[tilll]", "tilll", "is till meant"),
    "hostile key": ("kind =", '"k\\u001b\\n" = 1\nkind =', "reader.k��", "no such"),
    "far key": ("kind =", "zzz = 1\nkind =", "reader.zzz", "no such key. .*baud, kin"),
    "missing key": ('unit = "m3"', "", "lines.0.nozzles.0.unit", "missing. .*m3"),
    "missing section": ("[station]", "[station.x]", "station.station_no", "missing"),
    "section as value": ("[log]", "[[log]]", "log", "a section .log."),
    "same address": ("gun = 2", "gun = 1", "lines.0.nozzles.1.gun", "1 is also at"),
    "same number": ("nozzle_no = 2", "nozzle_no = 1", "lines.0.nozzles.1.no", "in the"),
    "limits": ('"1.00"', '"10000.01"', "limits.top_up_lower_yuan", "above the upper"),
    "ceiling": ('"20000.00"', '"9999.99"', "limits.top_up_upper_yuan", "ceiling"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "key", "words"), REFUSALS.values(), ids=REFUSALS.keys()
)
def test_refusals(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    """What does not fit is refused by file and key, with what is allowed."""
    path = changed(tmp_path, old, new)
    pattern = re.compile(f"^{re.escape(f'{path}: {key}')}.*{words}")
    problems = refusal(path).problems
    assert any(pattern.search(line) for line in problems), problems
    assert all(line.isprintable() and "Allowed: " in line for line in problems)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    """Two mistakes are two sentences, so that one repair is enough."""
    path = changed(tmp_path, 'station_no = "03160001"', "station_no = 1\nnope = 2")
    assert len(refusal(path).problems) == 2


def test_a_number_twice_on_two_lines_is_seen(tmp_path: Path) -> None:
    """Nozzle numbers are the station's, addresses are the line's."""
    west = (
        '[[lines]]\nname = "west"\nport = "/dev/ttyS9"\nprotocol = "jxv4"\nbaud = 9600'
        "\n[[lines.nozzles]]\ngun = 1\nnozzle_no = 2\ndispenser_no = 2\n"
        'unit = "kg"\nunit_code = 1\n[reader]'
    )
    problems = refusal(changed(tmp_path, "[reader]", west)).problems
    assert len(problems) == 1
    assert "lines.1.nozzles.0.nozzle_no: 2 is also at lines.0.nozzles.1" in problems[0]


@pytest.mark.parametrize(
    ("key", "has"), [("only_level", "only_level = 1"), ("unit", 'unit = "kg"')]
)
def test_a_dispenser_has_one_price_for_all_of_its_nozzles(
    tmp_path: Path, key: str, has: str
) -> None:
    """Where it fetches one table for them; other nozzles have each their own."""
    for protocol, guns, problems in (
        ("jxv4", (1, 2), 0),
        ("sinopec", (101, 102), 1),
        ("sinopec", (101, 201), 0),
    ):
        text = TEXT.replace('"jxv4"', f'"{protocol}"', 1)
        begin, end = text.rsplit("unit_code = 0\n\n#", 1)
        if key == "unit":
            begin = "".join(begin.rsplit('unit = "m3"\n', 1))
        text = f"{begin}unit_code = 0\n{has}\n#{end}"
        for number, gun in enumerate(guns, start=1):
            text = text.replace(f"gun = {number} ", f"gun = {gun} ", 1)
            text = text.replace(f"gun = {number}\n", f"gun = {gun}\n", 1)
        path = tmp_path / "station.toml"
        path.write_text(text, "utf-8")
        if problems:
            (problem,) = refusal(path).problems
            assert f"lines.0.nozzles.1.{key}: gun 101 of the same" in problem
        else:
            one, other = load_config(path).lines[0].nozzles
            assert getattr(one, key) != getattr(other, key)


def test_two_lines_of_one_name_are_seen(tmp_path: Path) -> None:
    """A line's name tells it apart in logs and on the screen."""
    begin, end = TEXT.index("# [[lines]]"), TEXT.index("[reader]")
    used = TEXT[begin:end].replace("# ", "").replace("west", "east")
    path = tmp_path / "station.toml"
    path.write_text(TEXT[:begin] + used + TEXT[end:], "utf-8")
    assert "lines.1.name: east is also at lines.0.name" in refusal(path).problems[0]


def test_one_port_for_two_devices_is_seen_through_its_links(tmp_path: Path) -> None:
    """The same port under two names, plain or by a link, is refused."""
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = TEXT.replace("/dev/serial/by-id/usb-card-reader", str(tmp_path / "real"))
    text = text.replace("/dev/serial/by-id/usb-receipt-printer", str(tmp_path / "link"))
    path = tmp_path / "station.toml"
    path.write_text(text, "utf-8")
    (problem,) = refusal(path).problems
    assert "printer.port" in problem
    assert "also at reader.port" in problem


def test_a_missing_file(tmp_path: Path) -> None:
    """The sentence names the file and says that it is not there."""
    (problem,) = refusal(tmp_path / "none.toml").problems
    assert "none.toml: (file): the file cannot be read (No such file" in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[station\n", "is not TOML: .*line 1"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b'a = "\xff"', "not UTF-8 at byte 5"),
        (b"#" * (LARGEST_FILE_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_toml(tmp_path: Path, content: bytes, words: str) -> None:
    """Bytes that are no TOML file are refused with the place of the fault."""
    path = tmp_path / "station.toml"
    path.write_bytes(content)
    (problem,) = refusal(path).problems
    assert re.search(words, problem)


def test_a_file_full_of_problems_is_told_in_part(tmp_path: Path) -> None:
    """The list of sentences is bounded."""
    extra = "".join(f"unknown{n} = 1\n" for n in range(2 * MOST_PROBLEMS))
    path = changed(tmp_path, 'station_no = "03160001"', extra)
    assert len(refusal(path).problems) == MOST_PROBLEMS


def test_cards_of_another_maker_are_described_by_data(tmp_path: Path) -> None:
    """The commented section can be used; figures that cannot stand so are refused."""
    begin, end = TEXT.index("# [plain_card]"), TEXT.index("[printer]")
    used = re.sub("(?m)^# ", "", TEXT[begin:end])
    path = tmp_path / "station.toml"
    path.write_text(TEXT[:begin] + used + TEXT[end:], "utf-8")
    plain = load_config(path).plain_card
    assert plain is not None
    assert plain.layout.written_block == 4 * 9 + 1
    overlapping = used.replace("consumed_offset = 20", "consumed_offset = 18")
    path.write_text(TEXT[:begin] + overlapping + TEXT[end:], "utf-8")
    (problem,) = refusal(path).problems
    assert "plain_card: figures that overlap" in problem


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_protocol_takes_an_option_that_it_does_not_know(name: str) -> None:
    """A switch that nobody reads is refused by its protocol, in words for the file."""
    entry = PROTOCOLS[name]
    line = LineSetup(9_600, (NozzleSetup(entry.guns[0], Unit.M3),))
    entry.dialogue(line)
    with pytest.raises(ValueError, match="no_such_switch"):
        entry.dialogue(replace(line, options={"no_such_switch": 1}))


def test_an_option_out_of_its_bounds_is_a_sentence_about_the_file(
    tmp_path: Path,
) -> None:
    path = changed(tmp_path, '"jxv4"', '"dart"')
    text = path.read_text("utf-8").replace("baud = 38400 ", "baud = 9600 ")
    path.write_text(
        text.replace("options = {}", "options = {price_decimals = 9}"), "utf-8"
    )
    (problem,) = refusal(path).problems
    assert f"{path}: lines.0: price_decimals is 0 to 4." in problem
