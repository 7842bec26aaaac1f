"""The audit trail, the digest and the auditor's file on the screen."""

import pytest

from cngstation.rpc.contract import audit as a
from tests.unit.tui.fake_rows import LoginRefused
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.screens.audit_trail import AuditTrailScreen
from tui.widgets.lazy_table import LazyTable


async def _trail(screen: Opened) -> None:
    await screen.rest()
    screen.app.run_function("audit_trail")
    await screen.rest()


@pytest.mark.parametrize(
    ("size", "language", "seen"),
    [
        (SMALL, "en", ["Audit trail", "Card edited", "01 王芳", "more below"]),
        (SMALL, "zh_CN", ["审计记录", "修改卡资料", "登录", "已拒绝", "01 王芳"]),
        (WIDE, "zh_CN", ["审计记录", "修改卡资料 (车牌)", "subject 249", "pts/1"]),
    ],
)
async def test_acts_have_names(
    size: tuple[int, int], language: str, seen: list[str]
) -> None:
    """In both languages, at both widths, newest first."""
    async with opened(size=size, language=language) as screen:
        await _trail(screen)
        for text in seen:
            await screen.sees(text)
        assert "card.edit" not in screen.text()


async def test_more_rows_come_as_one_goes_down() -> None:
    """Page after page, each asked for once, to the end."""
    async with opened(size=SMALL) as screen:
        await _trail(screen)
        await screen.sees("100 rows, more below")
        for shown in ("200 rows, more below", "250 rows"):
            await screen.press("end")
            await screen.sees(shown)
        assert [q.before_seq for q in screen.asked("audit.list")] == [0, 151, 51]
        table = screen.app.screen.query_one(LazyTable)
        await screen.press("end")
        assert table.chosen.seq == 1


async def test_filters() -> None:
    """/ goes to them, Enter asks with them, Esc goes back to the rows."""
    async with opened(size=SMALL) as screen:
        await _trail(screen)
        await screen.press("slash", "0", "2", "tab", "l", "o", "enter")
        await screen.sees("02")
        query = screen.asked("audit.list")[-1]
        assert (query.operator_no, query.act, query.before_seq) == ("02", "lo", 0)
        assert "Card edited" not in screen.text()
        await screen.press("slash", "escape")
        assert isinstance(screen.app.screen, AuditTrailScreen)
        assert isinstance(screen.app.screen.focused, LazyTable)


@pytest.mark.parametrize(
    ("language", "seen"),
    [
        ("en", ["02 李梅", "123 s after the start", "row 249 of 9000", "abababab"]),
        ("zh_CN", ["第二名操作员", "审计", "249", "normal", "lost"]),
    ],
)
async def test_a_row_shows_everything(language: str, seen: list[str]) -> None:
    """Three clocks, both people, before and after, the place in the chain."""
    async with opened(size=SMALL, language=language) as screen:
        await _trail(screen)
        await screen.sees("subject 249")
        await screen.press("down", "enter")
        if language == "zh_CN":
            seen = [text for text in seen if text != "审计"]
        for text in seen:
            await screen.sees(text)
        await screen.press("escape")
        assert isinstance(screen.app.screen, AuditTrailScreen)


async def test_a_refusal_is_told() -> None:
    """Who may not read it is told so; nothing goes on asking."""
    async with opened(size=SMALL) as screen:
        screen.station.failing["audit.list"] = [LoginRefused(left=1, minutes=2)]
        await _trail(screen)
        await screen.sees("tries are left")
        await screen.press("down", "end")
        assert len(screen.asked("audit.list")) == 1


@pytest.mark.parametrize(
    ("size", "language", "seen"),
    [
        (SMALL, "en", ["Acts of two people 1", "not closed yet", "Log-in x 7"]),
        (SMALL, "zh_CN", ["日报摘要", "双人业务", "以说明关闭待办", "01+02", "尚未结"]),
        (WIDE, "zh_CN", ["日报摘要", "登录被拒"]),
    ],
)
async def test_the_digest_of_a_day(
    size: tuple[int, int], language: str, seen: list[str]
) -> None:
    """Sums, rows, why; the arrows turn to another day."""
    async with opened(size=size, language=language) as screen:
        await _trail(screen)
        await screen.press("d")
        for text in [*seen, "the roll was torn"]:
            await screen.sees(text)
        await screen.press("left")
        await screen.sees("2026-11-20")
        await screen.sees("8000")
        await screen.press("p")
        await screen.sees("00000077")
        assert [q.day for q in screen.asked("digest.print")] == ["2026-11-20"]
        await screen.press("right", "right")
        await screen.sees("2026-11-22")
        assert [q.day for q in screen.asked("digest.show")] == [
            "", "2026-11-20", "2026-11-21", "2026-11-22",
        ]  # fmt: skip
        await screen.press("escape")
        assert isinstance(screen.app.screen, AuditTrailScreen)


@pytest.mark.parametrize(
    ("language", "told"),
    [("zh_CN", "文件已损坏：第 9 页"), ("en", "the file is damaged: 第 9 页")],
)
async def test_books_that_are_not_proved_are_told_in_the_language_in_use(
    language: str, told: str
) -> None:
    """The sentence comes with its fields, as every one does."""
    async with opened(size=SMALL, language=language) as screen:
        screen.station.first_bad = "the file is damaged: {why}"
        await _trail(screen)
        await screen.press("x")
        await screen.press("f2")
        await screen.sees(told)


async def test_the_auditors_file() -> None:
    """From the trail with x, from the books with X; both days go along."""
    async with opened(size=SMALL) as screen:
        await _trail(screen)
        await screen.press("x")
        await screen.type("2026-11-20")
        await screen.press("enter", "enter")
        await screen.sees("audit-1.jsonl.gz")
        assert screen.asked("audit.export") == [
            a.AuditExportOrder(from_day="2026-11-20", to_day="")
        ]
        await screen.press("f7", "x")
        await screen.sees("From day")
