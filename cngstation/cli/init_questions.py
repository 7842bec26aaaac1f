"""What `cngstation init` asks: the parameters of a new station, each a key of the file.

An option that is given is not asked for.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cngstation.cli.ask import ask
from cngstation.config import ConfigProblems
from cngstation.config.example import station_file
from cngstation.config.load import Value, check_text
from cngstation.language import _, mark

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A key of the file; `fallback` is what a station has that says nothing."""

    section: str
    key: str
    text: str
    fallback: str | None = None
    option: str = ""
    yes_or_no: bool = False

    @property
    def place(self) -> Key:
        """Where the answer stands in the file."""
        return self.section, self.key

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + (self.option or self.key).replace("_", "-")

    def value(self, answer: str) -> Value:
        """Return an answer as the file has it."""
        return (
            answer.lower() in {"y", "yes", "true", "是"} if self.yes_or_no else answer
        )


QUESTIONS = (
    Question("station", "name", mark("Name of the station")),
    Question("station", "company_name", mark("Name of the company")),
    Question("station", "station_no", mark("Station number (8 digits)")),
    Question("station", "area_no", mark("Area number of the cards (4 digits)")),
    Question("station", "area_short_name", mark("Short name of the area")),
    Question("station", "issue_point_no", mark("Issue point (01 to 99)"), "01"),
    Question("station", "network", mark("single or networked"), "single"),
    Question("reader", "port", mark("Port of the card reader"), option="reader_port"),
    Question(
        "printer",
        "port",
        mark("Port of the receipt printer, empty for none"),
        "",
        option="printer_port",
    ),
    Question(
        "limits",
        "top_up_upper_yuan",
        mark("Most that one top-up may be, yuan"),
        "10000.00",
        option="top_up_upper",
    ),
    Question(
        "limits",
        "cylinder_warning_days",
        mark("Days before the cylinder's inspection to warn"),
        "10",
    ),
    Question(
        "limits",
        "negative_top_up",
        mark("May a top-up be taken back (y/n)"),
        "n",
        yes_or_no=True,
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give each question an option of its own."""
    for question in QUESTIONS:
        parser.add_argument(
            question.flag, dest=question.place[0] + "." + question.key, metavar="TEXT",
            help=question.text,
        )  # fmt: skip


def given_answers(given: argparse.Namespace) -> dict[Key, str]:
    """Return what the options say."""
    answers = vars(given)
    found = ((q.place, answers[".".join(q.place)]) for q in QUESTIONS)
    return {place: text for place, text in found if text is not None}


def option_values(given: argparse.Namespace) -> dict[Key, Value]:
    """Return what the options say, as the file has it."""
    answers = given_answers(given)
    return {
        q.place: _value(q, answers[q.place]) for q in QUESTIONS if q.place in answers
    }


def asked_answers(path: Path, given: Mapping[Key, str]) -> dict[Key, Value]:
    """Ask for what the options do not say.

    Raises:
        BrokenOff: the input has ended.
        ConfigProblems: an option does not fit.
    """
    answers: dict[Key, Value] = {}
    for question in QUESTIONS:
        if question.place in given:
            answers[question.place] = _value(question, given[question.place])
            continue
        text = ask(
            _(question.text), question.fallback or "",
            lambda answer, q=question: _problem(path, q, answer),  # type: ignore[misc]
        )  # fmt: skip
        answers[question.place] = _value(question, text)
    check_text(path, station_file(answers))
    return answers


def silent_answers(
    path: Path, given: Mapping[Key, str]
) -> tuple[dict[Key, Value], list[str]]:
    """Return the answers of the options and what else a station has.

    Also the options that are missing; then the answers are not checked.

    Raises:
        ConfigProblems: an option does not fit.
    """
    answers: dict[Key, Value] = {}
    missing = []
    for question in QUESTIONS:
        text = given.get(question.place, question.fallback)
        if text is None:
            missing.append(question.flag)
        else:
            answers[question.place] = _value(question, text)
    if not missing:
        check_text(path, station_file(answers))
    return answers, missing


def _value(question: Question, text: str) -> Value:
    value = question.value(text)
    whole = question.key == "cylinder_warning_days" and isinstance(value, str)
    return int(value) if whole and str(value).isdecimal() else value


def _problem(path: Path, question: Question, answer: str) -> str:
    """Say why an answer does not fit; the example itself has nothing wrong."""
    try:
        check_text(path, station_file({question.place: _value(question, answer)}))
    except ConfigProblems as wrong:
        return "\n  ".join(wrong.problems)
    return ""
