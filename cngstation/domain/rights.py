"""Which role may do what: deny by default, one table.

The six levels of the trade come as roles; a role is a set of rights, built on the
one below it. Vendors get no role at the station.
"""

GENERAL = frozenset({"card.read"})
JUNIOR = GENERAL | {
    "register.write",
    "card.issue",
    "card.top_up",
    "card.report_loss",
    "receipt.print",
    "till.keep",
    "shift.keep",
    "nozzle.stop",
    "invoice.write",
}
MIDDLE = JUNIOR | {
    "card.replace",
    "card.withdraw_loss",
    "card.settle_grey",
    "card.clear_credit",
    "card.edit",
    "till.pay_out",
    "fill.mark",
    "nozzle.authorise",
    "nozzle.lock",
    "register.edit",
    "company.top_up",
}
SENIOR = MIDDLE | {
    "card.unblacklist",
    "card.activate",
    "card.suspend",
    "card.wipe",
    "card.crew",
    "crew.write",
    "shift.force",
    "card.replace_unproved",
    "row.explain",
    "lists.send",
    "nozzle.unlock",
    "nozzle.end_shift",
}
ADMINISTRATOR = SENIOR | {
    "card.cancel",
    "card.blacklist",
    "card.reverse_top_up",
    "card.settle_grey_by_hand",
    "price.plan",
    "lists.number",
    "vehicle_type.write",
    "company.terms",
    "limits.write",
    "discount.write",
    "register.import",
    "opening.accept",
    "operator.write",
    "line.frames",
}

ROLES: dict[str, frozenset[str]] = {
    "general": GENERAL,  # 普通用户
    "junior": JUNIOR,  # 初级操作员
    "middle": MIDDLE,  # 中级操作员
    "senior": SENIOR,  # 高级操作员
    "administrator": ADMINISTRATOR,  # 系统管理员
}


def rights_of(role: str) -> frozenset[str]:
    """Return the rights of a role; an unknown role has none."""
    return ROLES.get(role, frozenset())
