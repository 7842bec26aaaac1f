"""The Chinese catalogue: complete, with the same fields, compiled, and findable.

After a change of texts, edit `cngstation/locale/zh_CN/LC_MESSAGES/cngstation.po` and
run `pybabel compile -d cngstation/locale -D cngstation`.
"""

import ast
import gettext
import importlib
import io
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cngstation.errors import registered
from tui.words import WORDS

ROOT = Path(__file__).parents[2]
TOPS = ("cngstation", "daemons", "tui")
CATALOGUE = ROOT / "cngstation/locale/zh_CN/LC_MESSAGES/cngstation.po"
FIELD = re.compile(r"\{[a-z][a-z0-9_]*\}")
# Data and units that are the same in every language.
UNTRANSLATED = {"m³"}
OF_TECHNICIANS = {
    "CardAnswersWrongly",
    "ConfigError",
    "LocalProtocolError",
    "MalformedLine",
    "RemoteProtocolError",
}


def _catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


def _extracted() -> set[str]:
    """Return what the extraction of the catalogue's maker finds."""
    found = set()
    for top in TOPS:
        for row in extract_from_dir(
            ROOT / top,
            method_map=[("**.py", "python")],
            keywords={"_": None, "mark": None},
        ):
            found.add(str(row[2]))
    return found - {""}


def _called() -> Iterator[tuple[str, str]]:
    """Yield every text of `_()` and `mark()` by the syntax tree, and where it is."""
    for top in TOPS:
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"_", "mark"}
                    and isinstance(node.args[0], ast.Constant)
                ):
                    yield str(node.args[0].value), f"{path.name}:{node.lineno}"


def _error_texts() -> set[str]:
    """Return the sentences of every error class of the product."""
    for top in TOPS:
        package = importlib.import_module(top)
        for module in pkgutil.walk_packages(package.__path__, top + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    products = {
        error for error in registered().values() if error.__module__.startswith(TOPS)
    }
    return {error.text for error in products if error.text}


def _facts_of_errors() -> set[str]:
    """Return what is put into those sentences and is no data.

    Only what says that this program itself is wrong, or its files, stays English.
    """
    _error_texts()
    names = {error.__name__ for error in registered().values()} - OF_TECHNICIANS
    found = set()
    for path in (ROOT / "cngstation").rglob("*.py"):
        if "simulators" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            if not isinstance(node.func, ast.Name) or node.func.id not in names:
                continue
            for fact in (keyword.value for keyword in node.keywords):
                if isinstance(fact, ast.Constant) and isinstance(fact.value, str):
                    found.add(fact.value)
    return found - WORDS.keys() - {""}


@pytest.mark.parametrize("source", [_extracted, _error_texts, _facts_of_errors])
def test_every_text_is_in_the_catalogue(source: object) -> None:
    """Each text of the screen and each sentence of an error has a Chinese one."""
    catalogue = _catalogue()
    assert callable(source)
    missing = []
    for text in sorted(source() - UNTRANSLATED):
        entry = catalogue.get(text)
        if entry is None or not entry.string or entry.fuzzy:
            missing.append(text)
    assert not missing, "\n".join(missing)


def test_translations_have_the_same_fields() -> None:
    """A fact that the English sentence names is in the Chinese one, and no other."""
    odd = [
        entry.id
        for entry in _catalogue()
        if entry.id
        and sorted(FIELD.findall(str(entry.id)))
        != sorted(FIELD.findall(str(entry.string)))
    ]
    assert not odd, odd


def test_no_text_hides_from_extraction() -> None:
    """No text stands where the extraction does not look, such as in an f-string."""
    extracted = _extracted()
    hidden = [where for text, where in _called() if text and text not in extracted]
    assert not hidden, hidden


def test_the_compiled_catalogue_is_fresh() -> None:
    """The compiled file says what the written one says."""
    fresh = io.BytesIO()
    write_mo(fresh, _catalogue())
    fresh.seek(0)
    texts = gettext.GNUTranslations(fresh)
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text in (str(entry.id) for entry in _catalogue() if entry.id):
        assert compiled.gettext(text) == texts.gettext(text), text
