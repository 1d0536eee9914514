//! What services note: branches that are covered later, and foreign commits.

use changegate::core::record::parts::About;
use changegate::gate::recording::{begin, of_branch, of_foreign};
use changegate::git::Oid;

use super::*;

/// Notes that say something else than the settings and the branches do.
#[test]
fn notes_that_the_settings_deny() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    let bob = begun(&hub, &[&service], "");
    let ledger = bob.git(&["rev-parse", "audit/ledger"]);
    let git = opened(&bob);
    let log = log_of(&tip(&git).unwrap().unwrap());
    let recorder = Recorder { who: NOBODY, at: now() };
    let note = |record: Record, edit: &dyn Fn(&mut Statement)| {
        let mut statement = record.statement;
        statement.predicate.collector.kind = CollectorKind::Server;
        edit(&mut statement);
        bob.git(&["update-ref", "refs/heads/audit/ledger", &ledger]);
        force(&bob, statement, Signer::Service(&service.key));
        bob.verify()
    };
    let nothing = |_: &mut Statement| {};
    let repo = git.repo();
    let main = Oid::from_str(&bob.git(&["rev-parse", "main"])).unwrap();
    let side = bob.put("main", &[("docs/a.md", "side\n")], "side");
    bob.git(&["update-ref", "refs/heads/release", &side]);
    let side = Oid::from_str(&side).unwrap();
    let release = |from| of_branch(repo, ("release", from), &log, recorder).unwrap();
    note(release(main), &nothing)
        .ended(1, &["entry 1 (", "provenance: no settings on a covered branch protect release"]);

    let settings = "policies/org/settings/data.yaml";
    let text = bob.git(&["show", &format!("main:{settings}")]) + "\n";
    let both = text.replace("protected_bases: [main]", "protected_bases: [main, release]");
    assert_ne!(text, both);
    put(&bob, &bob.put("main", &[(settings, &both)], MARK));
    let from = begin(repo, &tip(&git).unwrap().unwrap().entry.state, side).unwrap();
    assert_eq!(from, main);
    let late = "provenance: release isn't covered from where it left a covered branch";
    note(release(side), &nothing).ended(1, &[late]);
    let elsewhere = |it: &mut Statement| it.predicate.base.as_mut().unwrap().name += "-2";
    note(release(main), &elsewhere)
        .ended(1, &["entry 1 (", "isn't one of the notes that there are"]);
    let by_other = |it: &mut Statement| {
        it.predicate.note.as_mut().unwrap().by = "mallory".parse().unwrap();
    };
    let strange = "statement: it isn't one of the notes that there are";
    note(release(main), &by_other).ended(1, &[strange]);
    let of_foreign = || of_foreign(repo, ("main", main), &log, recorder).unwrap();
    let why = "provenance: it notes foreign commits, and there are none before it";
    note(of_foreign(), &nothing).ended(1, &[why]);
    let explains = |it: &mut Statement| {
        it.predicate.note.as_mut().unwrap().about = About::Explanation;
    };
    note(of_foreign(), &explains).ended(1, &[strange]);
    let off_the_line = "names ";
    let other = of_branch(repo, ("main", side), &log, recorder).unwrap();
    note(other, &|it| {
        it.predicate.bases.clear();
        it.predicate.note.as_mut().unwrap().about = About::Foreign;
    })
    .ended(1, &["entry 1 (", off_the_line, "as its base, which is not on main"]);

    // As it has to be.
    note(release(main), &nothing);
    seal(&bob, &service).unwrap();
    bob.verify().ended(0, &["1 note", "\nverified\n"]);
    holds_none(&|arguments| bob.git(arguments), &["note note: branch"]);
}
