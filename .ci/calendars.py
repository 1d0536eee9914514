"""Reads the calendar that a test left for other programs, and holds it against the same one as JSON."""

import json
import sys
from datetime import datetime
from pathlib import Path

from icalendar import Calendar

FOLDER = Path("target/records/calendar")


def main() -> int:
    read = Calendar.from_ical((FOLDER / "changes.ics").read_bytes())
    view = json.loads((FOLDER / "changes.json").read_text())
    events = {str(event["UID"]): event for event in read.walk("VEVENT")}
    if len(events) != len(read.walk("VEVENT")):
        print("two events have the same UID")
        return 1
    problems = [f"{event['UID']}: {error}" for event in events.values() for error in event.errors]
    statuses = {"cancelled": "CANCELLED", "open": "TENTATIVE"}
    for change in view["changes"]:
        event = events.pop(f"{change['change']}@hub", None)
        if event is None:
            problems.append(f"{change['change']} has no event")
            continue
        planned = [datetime.fromisoformat(change["planned"][end]) for end in ("start", "end")]
        wanted = {
            "SUMMARY": f"{change['change']} {change['summary']}",
            "STATUS": statuses.get(change["state"], "CONFIRMED"),
            "SEQUENCE": change["versions"],
        }
        found = {name: type(value)(event[name]) for name, value in wanted.items()}
        if [event.start, event.end] != planned or found != wanted:
            problems.append(f"{change['change']}: {planned} {wanted}, and the event says {event.start} {event.end} {found}")
    windows = sum(uid.startswith("window-") for uid in events)
    freezes = [event for uid, event in events.items() if uid.startswith("freeze-")]
    if [str(event["DESCRIPTION"]) for event in freezes] != ["much, very much; trade"]:
        problems.append(f"the freezes are {freezes}")
    if windows + len(freezes) != len(events) or not windows:
        problems.append(f"other events: {sorted(events)}")
    for problem in problems:
        print(problem)
    print(f"{len(view['changes'])} changes, {len(freezes)} freezes and {windows} openings are read as they were written")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
