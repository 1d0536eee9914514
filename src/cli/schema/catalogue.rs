//! The list of schemas, and the types that they come from.
//!
//! Files that people write are described more strictly than they are read: a field is left out or
//! filled in, never `null`, so that an editor marks one that was left blank. Documents that the
//! checker writes may get further fields in later versions.

use schemars::Schema;

use super::documents::{Decisions, actions, escalation, evidence, input, matrix, printed, written};
use crate::cli::audit::expunge::Expunged;
use crate::cli::audit::record_bypass::Recorded as Explained;
use crate::cli::audit::witness::Visit;
use crate::cli::doctor::DoctorView;
use crate::cli::escalate::EscalationView;
use crate::cli::incident::{IncidentView, IncidentsView};
use crate::cli::list::debts::DebtsView;
use crate::cli::operations::EventsView;
use crate::cli::report::PromotionsView;
use crate::cli::shared::events::Receipts;
use crate::cli::shared::receipt::Receipt;
use crate::cli::sync::SyncView;
use crate::cli::template::TemplatesView;
use crate::cli::test::Report;
use changegate::audit::bundle::Verified;
use changegate::audit::controls::Controls;
use changegate::audit::coverage::Coverage;
use changegate::audit::export::Manifest;
use changegate::audit::sample::Sample;
use changegate::audit::show::ShowView as EntriesView;
use changegate::audit::verify::Verification;
use changegate::changes::calendar::CalendarView;
use changegate::changes::fitting::PreviewView;
use changegate::changes::list::ListView;
use changegate::changes::log::LogView;
use changegate::changes::show::ShowView;
use changegate::changes::windows::WindowView;
use changegate::core::decision::replay::Replay;
use changegate::core::operations::open::Open;
use changegate::core::org::{Erasure, Freezes, Roster, Settings, Table, Window};
use changegate::core::request::ChangeRequest;
use changegate::core::template::Template;
use changegate::report::overview::Overview;

/// A type that has a schema.
pub(super) struct SchemaEntry {
    /// The schema's name, `change-request`.
    pub(super) name: &'static str,
    title: &'static str,
    /// A one-line description.
    pub(super) about: &'static str,
    schema: fn() -> Schema,
}

/// All schemas: of files that people write, then of documents that programs exchange.
pub(super) const SCHEMAS: &[SchemaEntry] = &[
    SchemaEntry {
        name: "change-request",
        title: "Change request",
        about: "a change request: requests/**/<id>.yaml",
        schema: written::<ChangeRequest>,
    },
    SchemaEntry {
        name: "roster",
        title: "Roster",
        about: "people, teams and services: policies/org/roster/data.yaml",
        schema: written::<Roster>,
    },
    SchemaEntry {
        name: "actions",
        title: "Action catalog",
        about: "the action catalog: policies/org/actions/data.yaml",
        schema: actions,
    },
    SchemaEntry {
        name: "matrix",
        title: "Sign-off matrix",
        about: "who has to approve: policies/org/matrix/data.yaml",
        schema: matrix,
    },
    SchemaEntry {
        name: "windows",
        title: "Deployment windows",
        about: "the deployment windows: policies/org/windows/data.yaml",
        schema: written::<Table<Window>>,
    },
    SchemaEntry {
        name: "freezes",
        title: "Freezes",
        about: "the freezes and the announced quarters: policies/org/freezes/data.yaml",
        schema: written::<Freezes>,
    },
    SchemaEntry {
        name: "escalation",
        title: "Escalation matrix",
        about: "whom to notify when a change goes wrong: policies/org/escalation/data.yaml",
        schema: escalation,
    },
    SchemaEntry {
        name: "erasures",
        title: "Erasures",
        about: "what the ledger's evidence must not hold any longer: policies/org/erasures/data.yaml",
        schema: written::<Vec<Erasure>>,
    },
    SchemaEntry {
        name: "template",
        title: "Template",
        about: "a template of standard changes: policies/templates/<name>/data.yaml",
        schema: written::<Template>,
    },
    SchemaEntry {
        name: "settings",
        title: "Settings",
        about: "switches and limits: policies/org/settings/data.yaml",
        schema: written::<Settings>,
    },
    SchemaEntry {
        name: "evidence",
        title: "Evidence",
        about: "the facts about a pull request: changegate check --evidence FILE",
        schema: evidence,
    },
    SchemaEntry {
        name: "input",
        title: "Input document",
        about: "what the policies see as `input`",
        schema: input,
    },
    SchemaEntry {
        name: "decision",
        title: "Decisions",
        about: "what changegate check --format json prints",
        schema: printed::<Decisions>,
    },
    SchemaEntry {
        name: "receipt",
        title: "Receipt",
        about: "what submit, review, merge and close --format json print",
        schema: printed::<Receipt<'static>>,
    },
    SchemaEntry {
        name: "events",
        title: "Events",
        about: "what begin, end, record, cancel, incident and operations void --format json print",
        schema: printed::<Receipts>,
    },
    SchemaEntry {
        name: "escalated",
        title: "Escalation",
        about: "what changegate escalate --format json prints",
        schema: printed::<EscalationView>,
    },
    SchemaEntry {
        name: "debts",
        title: "Debts",
        about: "what changegate list --debts --format json prints",
        schema: printed::<DebtsView>,
    },
    SchemaEntry {
        name: "sync",
        title: "Synchronization",
        about: "what changegate sync --format json prints",
        schema: printed::<SyncView>,
    },
    SchemaEntry {
        name: "list",
        title: "Changes",
        about: "what changegate list --format json prints",
        schema: printed::<ListView>,
    },
    SchemaEntry {
        name: "calendar",
        title: "Calendar",
        about: "what changegate calendar --format json prints",
        schema: printed::<CalendarView>,
    },
    SchemaEntry {
        name: "report",
        title: "Report",
        about: "what changegate report --format json prints",
        schema: printed::<Overview>,
    },
    SchemaEntry {
        name: "promotions",
        title: "Candidates for templates",
        about: "what changegate report --promotions --format json prints",
        schema: printed::<PromotionsView>,
    },
    SchemaEntry {
        name: "freeze-preview",
        title: "Changes that a calendar hits",
        about: "what changegate freeze preview --format json prints",
        schema: printed::<PreviewView>,
    },
    SchemaEntry {
        name: "templates",
        title: "Templates",
        about: "what changegate template list --format json prints",
        schema: printed::<TemplatesView>,
    },
    SchemaEntry {
        name: "show",
        title: "Story of a change",
        about: "what changegate show --format json prints",
        schema: printed::<ShowView>,
    },
    SchemaEntry {
        name: "log",
        title: "Audit trail",
        about: "what changegate log --format json prints",
        schema: printed::<LogView>,
    },
    SchemaEntry {
        name: "doctor",
        title: "Protection of a repository",
        about: "what changegate doctor --format json prints",
        schema: printed::<DoctorView>,
    },
    SchemaEntry {
        name: "window-report",
        title: "Window report",
        about: "what changegate window --format json prints",
        schema: printed::<WindowView>,
    },
    SchemaEntry {
        name: "test-report",
        title: "Test report",
        about: "what changegate test --format json prints",
        schema: printed::<Report>,
    },
    SchemaEntry {
        name: "incident-list",
        title: "Incidents",
        about: "what changegate incident list --format json prints",
        schema: printed::<IncidentsView>,
    },
    SchemaEntry {
        name: "incident-show",
        title: "Incident",
        about: "what changegate incident show --format json prints",
        schema: printed::<IncidentView>,
    },
    SchemaEntry {
        name: "operations-show",
        title: "Events of the operations log",
        about: "what changegate operations show ID --format json prints",
        schema: printed::<EventsView>,
    },
    SchemaEntry {
        name: "operations-open",
        title: "What is open",
        about: "what changegate operations show --format json prints",
        schema: printed::<Open>,
    },
    SchemaEntry {
        name: "audit-verify",
        title: "Verification",
        about: "what changegate audit verify --format json prints",
        schema: printed::<Verification>,
    },
    SchemaEntry {
        name: "audit-bundle",
        title: "Verification of a bundle",
        about: "what changegate audit verify --bundle --format json prints",
        schema: printed::<Verified>,
    },
    SchemaEntry {
        name: "audit-show",
        title: "Entries of the ledger",
        about: "what changegate audit show --format json prints",
        schema: printed::<EntriesView>,
    },
    SchemaEntry {
        name: "audit-coverage",
        title: "Coverage",
        about: "what changegate audit coverage --format json prints",
        schema: printed::<Coverage>,
    },
    SchemaEntry {
        name: "audit-sample",
        title: "Sample",
        about: "what changegate audit sample --format json prints",
        schema: printed::<Sample>,
    },
    SchemaEntry {
        name: "audit-controls",
        title: "Controls",
        about: "what changegate audit controls --format json prints",
        schema: printed::<Controls>,
    },
    SchemaEntry {
        name: "audit-replay",
        title: "Replay",
        about: "what changegate audit replay --format json prints",
        schema: printed::<Replay>,
    },
    SchemaEntry {
        name: "audit-manifest",
        title: "Manifest of an export",
        about: "manifest.json of changegate audit export",
        schema: printed::<Manifest>,
    },
    SchemaEntry {
        name: "audit-expunge",
        title: "Erasures",
        about: "what changegate audit expunge --format json prints",
        schema: printed::<Vec<Expunged>>,
    },
    SchemaEntry {
        name: "audit-record-bypass",
        title: "Explanation of a bypass",
        about: "what changegate audit record-bypass --format json prints",
        schema: printed::<Explained>,
    },
    SchemaEntry {
        name: "audit-witness",
        title: "Visit to a witness",
        about: "what changegate audit witness --format json prints",
        schema: printed::<Visit>,
    },
];

impl SchemaEntry {
    /// Returns the schema as it is printed, and kept in `schemas/`.
    pub(super) fn text(&self) -> String {
        format!("{:#}\n", self.schema().to_value())
    }

    pub(super) fn schema(&self) -> Schema {
        let mut schema = (self.schema)();
        let repository = env!("CARGO_PKG_REPOSITORY");
        let id = format!("{repository}/raw/main/schemas/{}.schema.json", self.name);
        schema.insert("$id".to_owned(), id.into());
        schema.insert("title".to_owned(), self.title.into());
        let about = || format!("{}: {}.", self.title, self.about).into();
        schema.ensure_object().entry("description").or_insert_with(about);
        schema
    }
}
