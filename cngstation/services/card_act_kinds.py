"""Every kind of act: for the engine, whichever daemon finds it open, and the counter.

An act on a registered card is added in `every_act`; its kind comes with it.
"""

from cngstation.services import (
    cancel_card,
    clear_credit,
    edit_card,
    issue_card,
    issue_crew_card,
    move_balance,
    reverse_top_up,
    settle_grey_card,
    top_up_card,
)
from cngstation.services.act_kind import ActKind
from cngstation.services.cancel_card import CancelCard, WipeCard
from cngstation.services.clear_credit import ClearCredit
from cngstation.services.do_card_act import CardAct
from cngstation.services.edit_card import (
    ChangeCylinderDate,
    EditCard,
    RewriteLimits,
    RewritePrice,
)
from cngstation.services.issue_crew_card import RewriteCrewCard
from cngstation.services.reverse_top_up import ReverseTopUp
from cngstation.services.settle_grey_card import SettleByHand, SettleGrey
from cngstation.services.station_rules import StationRules


def every_kind() -> dict[str, ActKind]:
    """Return the kinds by name."""
    kinds = (
        issue_card.issue_kind(),
        issue_card.issue_kind(issue_crew_card.KIND),
        top_up_card.top_up_kind(),
        move_balance.replace_kind(),
        settle_grey_card.settle_kind(),
        settle_grey_card.by_hand_kind(),
        clear_credit.clear_kind(),
        reverse_top_up.reverse_kind(),
        cancel_card.cancel_kind(),
        cancel_card.wipe_kind(),
        edit_card.edit_kind(edit_card.KIND),
        edit_card.edit_kind(edit_card.CYLINDER),
        edit_card.edit_kind(edit_card.PRICE),
        edit_card.edit_kind(edit_card.LIMITS),
        edit_card.edit_kind(issue_crew_card.REWRITE),
    )
    return {kind.name: kind for kind in kinds}


def every_act(rules: StationRules) -> dict[str, CardAct]:
    """Return the acts that the counter does with a registered card, by kind."""
    kinds = every_kind()
    acts: tuple[CardAct, ...] = (
        SettleGrey(kinds[settle_grey_card.KIND]),
        SettleByHand(kinds[settle_grey_card.BY_HAND], rules),
        ClearCredit(kinds[clear_credit.KIND]),
        ReverseTopUp(kinds[reverse_top_up.KIND], rules),
        CancelCard(kinds[cancel_card.KIND], rules),
        WipeCard(kinds[cancel_card.WIPE]),
        EditCard(kinds[edit_card.KIND]),
        ChangeCylinderDate(kinds[edit_card.CYLINDER]),
        RewritePrice(kinds[edit_card.PRICE], rules),
        RewriteLimits(kinds[edit_card.LIMITS]),
        RewriteCrewCard(kinds[issue_crew_card.REWRITE]),
    )
    return {act.kind.name: act for act in acts}
