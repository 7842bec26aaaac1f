"""What the forecourt answers beside the nozzles: alarms, sales, list files, ports."""

from cngstation.config import StationConfig
from cngstation.moments import Clock
from cngstation.services.answer_forecourt import AnsweredArea
from cngstation.services.answer_list_files import ListFileAnswers
from cngstation.services.answer_ports import PortAnswers
from cngstation.services.approve import Approvals
from cngstation.services.show_alarms import AlarmAnswers
from cngstation.services.show_trend import TrendAnswers
from cngstation.services.take_list_file import list_files
from cngstation.storage.database import Database


def board_areas(
    config: StationConfig, database: Database, clock: Clock, approvals: Approvals
) -> tuple[AnsweredArea, ...]:
    """Return the handlers of these areas."""
    return (
        ListFileAnswers(list_files(config, database, approvals)),
        AlarmAnswers(database),
        PortAnswers(config),
        TrendAnswers(database, clock, config.station.cut_off_minute),
    )
