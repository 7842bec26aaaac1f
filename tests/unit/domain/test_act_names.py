"""Every act that the program writes into the audit has a name that people know."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.domain.act_names import NAMES, field_of, is_named, name_of, title_of
from cngstation.domain.two_people import ACTS
from cngstation.language import use_language
from cngstation.services import hand_over_shift, mark_card, one_hand
from cngstation.services.card_act_kinds import every_act
from cngstation.services.control_nozzles import _NEEDS
from cngstation.services.reveal_personal import What
from tests.simulation.money_world import RULES

ROOT = Path(__file__).parents[3]
# Where the act is put together, all that it can be, module by module.
MADE = {
    "control_nozzles": [f"nozzle.{kind}" for kind in _NEEDS],
    "do_card_act": [f"card.{kind}" for kind in every_act(RULES)],
    "edit_card": [
        f"card.{kind}.plate" for kind in ("edit", "cylinder_date", "crew_rewrite")
    ],
    "edit_registers": [
        f"{register}.edit.name" for register in ("vehicle", "company", "vehicle_type")
    ],
    "carry_over": [
        *one_hand._MADE, *one_hand._ASIDE, *one_hand._OTHER_ROLE, *one_hand._LESS,
    ],
    "mark_card": [f"card.{kind}" for kind in mark_card.KINDS],
    "keep_operators": [
        "operator.lock", "operator.retire", "operator.edit.phone",
    ],
    "card_keys": ["card_key.first", "card_key.changed"],
    "admit_vendor": ["vendor.accept"],
    "keep_staff_cards": ["staff_card.lost", "staff_card.withdrawn"],
    "keep_till": ["till.drop", "till.pay_in", "till.pay_out"],
    "reveal_personal": [f"personal.reveal.{what}" for what in What],
    # Refused calls go by the name of their method, see `name_of`.
    "count_refusals": ["session.login", "others"],
    "log_in": ["session.lock", "session.unlock", "session.logout"],
    "approve": [f"{act}.approve" for act in ACTS],
    "hand_over_shift": [hand_over_shift.KIND, hand_over_shift.FORCED],
}  # fmt: skip


def _written() -> Iterator[tuple[str, str]]:
    """Yield module and act of every row that is written into the audit."""
    for path in (ROOT / "cngstation").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                for act in _acts(path, node.args[2]):
                    yield path.stem, act


def _acts(path: Path, node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _acts(path, node.body)
        yield from _acts(path, node.orelse)
    elif isinstance(node, ast.Name) and node.id.isupper():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield getattr(importlib.import_module(name), node.id)
    else:
        yield from MADE[path.stem]


def test_every_act_has_a_name() -> None:
    """Also those that are put together; in Chinese no code is left."""
    acts = sorted(set(_written()))
    assert len(acts) > 50
    assert [each for each in acts if not is_named(each[1])] == []
    use_language("zh_CN")
    try:
        plain = [act for _, act in acts if name_of(act) == title_of(act)]
    finally:
        use_language("en")
    assert plain == []


@pytest.mark.parametrize(
    ("act", "name", "field"),
    [
        ("card.edit.plate", "Card edited", "plate"),
        ("card.edit", "Card edited", ""),
        ("row.explain.approve", "Row closed by words: second person", ""),
        ("unheard.of", "Call unheard.of", ""),
    ],
)
def test_names(act: str, name: str, field: str) -> None:
    """The field beside it; a second person said; a code that nobody knows as it is."""
    assert (name_of(act), field_of(act)) == (name, field)


def test_names_differ() -> None:
    """Two acts of one name could not be told apart."""
    assert len(set(NAMES.values())) == len(NAMES)
