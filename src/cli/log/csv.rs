//! The audit trail as a table for spreadsheets.

use changegate::changes::log::LogView;
use changegate::changes::story::HistoryEvent;
use changegate::report;

const HEADER: [&str; 18] = [
    "change",
    "state",
    "summary",
    "tier",
    "requester",
    "services",
    "planned_start",
    "planned_end",
    "event",
    "at",
    "seconds_since_previous",
    "by",
    "email",
    "unproven",
    "commit",
    "text",
    "counted",
    "recorded",
];

/// Returns a line for each event, below the columns' names.
pub fn render(view: &LogView) -> anyhow::Result<String> {
    let rows = view.changes.iter().flat_map(|change| {
        change.events.iter().map(|event| {
            let unproven = event.unproven.and_then(|it| serde_json::to_value(it).ok());
            [
                change.change.clone(),
                change.state.to_string(),
                change.summary.clone().unwrap_or_default(),
                change.tier.map(|tier| tier.to_string()).unwrap_or_default(),
                change.requester.as_ref().map(ToString::to_string).unwrap_or_default(),
                change.services.join(" "),
                change.planned.map(|planned| planned.start.to_string()).unwrap_or_default(),
                change.planned.map(|planned| planned.end.to_string()).unwrap_or_default(),
                event.what.to_string(),
                event.at.to_string(),
                event.after.map(|after| after.as_seconds().to_string()).unwrap_or_default(),
                by(event),
                event.email.clone(),
                unproven.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default(),
                event.id.clone().unwrap_or_else(|| event.commit.clone()),
                event.text.clone(),
                match event.counted {
                    Some(true) => "yes".to_owned(),
                    Some(false) => "no".to_owned(),
                    None => String::new(),
                },
                match &event.recorded {
                    Some(recorded) => recorded.index.to_string(),
                    None if event.unrecorded => "nowhere".to_owned(),
                    None => String::new(),
                },
            ]
        })
    });
    report::csv(HEADER, rows)
}

/// Returns the person who did it, or the machine and for whom.
fn by(event: &HistoryEvent) -> String {
    match (&event.machine, &event.by) {
        (Some(_), _) => event.who(),
        (None, by) => by.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
