"""Every kind of act that the engine can finish, whichever daemon finds it open."""

from cngstation.services import issue_card, top_up_card
from cngstation.services.act_kind import ActKind


def every_kind() -> dict[str, ActKind]:
    """Return the kinds by name."""
    kinds = (issue_card.issue_kind(), top_up_card.top_up_kind())
    return {kind.name: kind for kind in kinds}
