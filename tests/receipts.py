"""Receipts that the tests print: what a top-up, a replacement and a closing show."""

from dataclasses import replace

from cngstation.protocols.receipt.slip import Row, Ruler, Slip

TOP_UP = Slip(
    issuer="示例燃气有限公司",
    title="充值凭证",
    part="客户联",
    rows=(
        Row("站点", "示例加气站 01"),
        Row("流水号", "0100000123"),
        Row("卡号", "01000001"),
        Row("车牌号", "川A00001"),
        Row("公司", "示例出租汽车有限公司第二分公司车队管理中心调度室"),
        Row("消费方式", "预购金额"),
        Ruler(),
        Row("充值前余额", "12.34"),
        Row("充值金额", "¥200.00", strong=True),
        Row("优惠金额", "10.00"),
        Row("充值后余额", "222.34", strong=True),
        Ruler(),
        Row("操作员", "阿·示例"),
        Row("时间", "2026-11-21 09:42:17"),
    ),
    footer=("请妥善保管，凭此凭证核对余额",),
)

GAS_TOP_UP = replace(
    TOP_UP,
    part="存根联",
    copy_mark="补打 2",
    rows=(
        *TOP_UP.rows[:5],
        Row("消费方式", "预购气量"),
        Ruler(),
        Row("单价", "3.85 元/m³"),
        Row("购气量", "51.94 m³", strong=True),
        Row("金额", "199.97 元"),
        *TOP_UP.rows[11:],
    ),
)

REPLACEMENT_EN = Slip(
    issuer="Example Gas Company Limited",
    title="Card replacement",
    rows=(
        Row("Old card no.", "01000001"),
        Row("New card no.", "01000231"),
        Row("Balance moved", "222.34", strong=True),
        Row("Card fee", "20.00"),
        Row("Reason", "Lost; identity shown with the vehicle's licence by its owner"),
    ),
)

SLIPS = {
    "top_up": TOP_UP,
    "gas_top_up_copy": GAS_TOP_UP,
    "replacement_en": REPLACEMENT_EN,
}
