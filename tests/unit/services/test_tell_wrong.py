"""Whatever verify finds wrong is told in Chinese, and in English where that is set."""

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.language import LANGUAGES, use_language
from cngstation.services import check_anchors, verify_books
from cngstation.services.check_anchors import Anchor, Contradiction
from cngstation.services.tell_wrong import LONGEST_SENTENCE, Wrong, wrong

FOLDER = Path(verify_books.__file__).parent
FIELD = re.compile(r"\{([a-z_]+)\}")


def _marked(node: ast.AST) -> list[str]:
    return [
        str(call.args[0].value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "mark"
        and isinstance(call.args[0], ast.Constant)
    ]


def _texts_of(call: ast.Call, tree: ast.Module) -> list[str]:
    """Return what a call may say: marked in it, or in what a name in it was last."""
    said = call.args[0]
    if texts := _marked(said):
        return texts
    names = {node.id for node in ast.walk(said) if isinstance(node, ast.Name)}
    given = [
        (node.lineno, texts)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in names
        and node.lineno <= call.lineno
        and (texts := _marked(node.value))
    ]
    return max(given)[1] if given else []


def _said() -> Iterator[tuple[str, set[str] | None, str]]:
    """Yield each text that can be said, its facts where they are named, its place."""
    for path in sorted(FOLDER.glob("verify_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in {"wrong", "Wrong"}:
                continue
            place = f"{path.name}:{node.lineno}"
            texts = _texts_of(node, tree)
            assert texts, f"{place} says what is not marked"
            names = [keyword.arg for keyword in node.keywords]
            whole = {name for name in names if name}
            for text in texts:
                yield text, None if None in names else whole, place


SAID = list(_said())


def test_every_finding_has_its_facts_and_its_chinese() -> None:
    """From the code: whatever can be said first, with every field filled."""
    assert len(SAID) > 40
    assert {place.partition(":")[0] for _, _, place in SAID} >= {
        f"verify_{what}.py"
        for what in ("accounts", "books", "chain", "epochs", "registers", "shifts")
    }
    for text, facts, place in SAID:
        fields = set(FIELD.findall(text))
        assert facts in (None, fields), place
        found = wrong(text, **dict.fromkeys(fields, "7"))
        assert _in_both(found)["en"] == FIELD.sub("7", text) == str(found)
        chinese = _in_both(found)["zh_CN"]
        assert re.search(r"[\u4e00-\u9fff]", chinese), f"{place} has no Chinese"
        assert chinese.count("7") == len(FIELD.findall(text)), place


@pytest.mark.parametrize("text", [check_anchors.OLDER, check_anchors.OTHER])
def test_what_an_anchor_contradicts_is_told_in_both(text: str) -> None:
    """Books that prove themselves and are not those of the anchor."""
    facts: dict[str, str | int] = dict.fromkeys(FIELD.findall(text), 7)
    found = Contradiction(Anchor(7, "7" * 8), text, facts)
    use_language("zh_CN")
    try:
        assert re.search(r"[\u4e00-\u9fff]", found.told())
    finally:
        use_language("en")
    assert found.told() == found.sentence() == text.format(**facts)


def test_names_of_the_file_are_cut_and_cleaned_and_fill_nothing() -> None:
    """Whoever changed the file chose them; a worker sends them to its parent."""
    found = wrong("{table} {key} was changed", table="card", key="\x1b[2J{seq}" * 99)
    assert len(str(found)) == LONGEST_SENTENCE
    assert "\x1b" not in str(found)
    assert str(found).startswith("card \ufffd[2J{seq}")
    assert pickle.loads(pickle.dumps(found)) == found


def _in_both(found: Wrong) -> dict[str, str]:
    told = {}
    for language in LANGUAGES:
        use_language(language)
        told[language] = found.told()
    use_language("en")
    return told
