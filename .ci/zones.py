"""Compares the local times of every zone with PyPI's tzdata of the same version.

A bundle with a window in each zone, open from noon to one o'clock, is asked at instants from 2000 to 2199 for the next
openings; Python's own reader of zone files says when they have to be.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

PROGRAM = "target/debug/changegate"
# Twice a year while zones have transitions of their own, then now and then: the rules only repeat.
INSTANTS = [datetime(year, month, 5, tzinfo=UTC) for year in range(2000, 2040) for month in (1, 7)]
INSTANTS += [datetime(year, month, 5, tzinfo=UTC) for year in range(2050, 2200, 10) for month in (1, 7)]


def next_noon(zone: str, now: datetime) -> datetime:
    """Returns when a window from noon to one o'clock opens next, or now if it is open."""
    tz = zoneinfo.ZoneInfo(zone)
    for offset in range(-2, 4):
        day = (now + timedelta(days=offset)).date()
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=tz).astimezone(UTC)
        if noon + timedelta(hours=1) > now:
            return max(noon, now)
    raise ValueError(f"{zone} has no noon after {now}")


def main() -> int:
    zoneinfo.reset_tzpath(to=[])  # not the zones of the system
    version = files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text().splitlines()[0].removeprefix("# version ")
    own = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout
    if f"tzdb {version}" not in own:
        print(f"PyPI's tzdata is {version}, but {PROGRAM} says {own.strip()}: pin the same in .ci/requirements.txt")
        return 1

    zones = sorted(zone for zone in zoneinfo.available_timezones() if zone not in ("Factory", "localtime"))
    windows = "".join(
        f'z{index}: {{days: [mon, tue, wed, thu, fri, sat, sun], from: "12:00", to: "13:00", zone: "{zone}", for: [low]}}\n'
        for index, zone in enumerate(zones)
    )
    differences = 0
    with tempfile.TemporaryDirectory() as folder:
        policies = Path(folder, "policies")
        shutil.copytree("policies", policies)
        policies.joinpath("org/windows/data.yaml").write_text(f"reviewed: 2026-11-02\n{windows}")
        policies.joinpath("org/freezes/data.yaml").write_text("reviewed: 2026-11-02\nfreezes: []\nquarters: []\n")
        for now in INSTANTS:
            command = [PROGRAM, "window", "--policies", policies, "--format", "json", "--now", now.isoformat()]
            view = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for window in view["windows"]:
                zone = zones[int(re.sub("^z", "", window["window"]))]
                found = datetime.fromisoformat(window["next_opening"]["start"])
                if found != next_noon(zone, now):
                    differences += 1
                    print(f"{zone} at {now}: {found} where Python has {next_noon(zone, now)}")
    print(f"{len(zones)} zones at {len(INSTANTS)} instants, tzdb {version}: {differences} differences")
    return 1 if differences else 0


sys.exit(main())
