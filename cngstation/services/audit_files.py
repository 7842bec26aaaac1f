"""Where files for auditors go, and what signs them."""

from dataclasses import dataclass
from pathlib import Path

from cngstation.config import StationConfig
from cngstation.services.station_key import station_key_file


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """The folder of audit files, the station's name and language, its key's file."""

    folder: Path
    station: str = ""
    key_file: Path | None = None
    language: str = ""


def audit_files_of(config: StationConfig) -> AuditFiles:
    """Return what a configuration says of audit files."""
    folder = config.paths.exports or config.paths.database.with_name("exports")
    station = config.station
    return AuditFiles(folder, station.name, station_key_file(config), station.language)
