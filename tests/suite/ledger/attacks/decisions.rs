//! Decisions that another program made than the one that is named, or that can't be made at all.

use changegate::core::decision::SEMANTICS;
use changegate::core::record::bones::Bones;
use changegate::core::record::statement::Statement;

use super::super::forge::set;
use super::*;

/// Something that a program of one's own decided.
type Doctored = (&'static str, &'static str, serde_json::Value);

/// What the entry about CHG-1 says, by a program that decides in this way.
fn by_another(stage: &Stage<'_>, semantics: u64) -> Statement {
    stage.edited(1, |it| set(it, "/predicate/engine/semantics", json!(semantics)))
}

/// Record 51: another program with the version of this one, or of one that decides otherwise. The evidence is
/// what it was, and the entry holds what follows from the decision.
#[test]
fn decisions_of_another_program() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let doctored: [Doctored; 4] = [
        ("another verdict", "/verdict", json!("pending")),
        ("another tier", "/tier", json!("low")),
        ("another level", "/level", json!("L3")),
        ("nothing to sign", "/sign_off/required", json!([])),
    ];
    for semantics in [SEMANTICS, SEMANTICS - 1] {
        for (what, pointer, value) in doctored.clone() {
            let record = stage.deciding(by_another(&stage, semantics), |decision| {
                assert_ne!(decision.pointer(pointer), Some(&value), "{what}");
                set(decision, pointer, value);
            });
            let forged = stage.recording(1, record);
            let mut found = stage.findings(&stage.main[1], &forged);
            found.retain(|why| !why.contains(", anchors: its maker saw"));
            let why = "entry 1, decision: the evidence doesn't lead to this decision: made again it is \
                       approved, and ";
            let [found] = &found[..] else { panic!("{what}, {semantics}: {found:#?}") };
            assert!(found.starts_with(why), "{what}, {semantics}: {found}");
        }
    }
    the_truth_holds(&stage);
}

/// Record 51: the entry holds what follows from the evidence, and the decision beside it says something else:
/// a program that decides otherwise isn't excused by that.
#[test]
fn a_decision_that_is_not_the_one_of_its_entry() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    for semantics in [SEMANTICS, SEMANTICS - 1] {
        let statement = by_another(&stage, semantics);
        let bones = statement.predicate.decision.clone().unwrap();
        let mut record = stage.deciding(statement, |decision| {
            set(decision, "/sign_off/required/0/satisfied_by", json!("erin"));
        });
        let said = record.statement.predicate.decision.as_mut().unwrap();
        *said = Bones { sha256: said.sha256.clone(), ..bones };
        let forged = stage.recording(1, record);
        let what = format!("semantics {semantics}");
        stage.is_found(&what, &stage.main[1], &forged, ["entry 1, decision: ", ""]);
    }
}

/// A base whose policies hold a rule with two values for CHG-3, and the merge of that by hand.
fn merged_under_a_conflict(stage: &Stage<'_>) -> (String, String) {
    let (desk, id) = (&stage.bob, "CHG-3");
    let rule = format!(
        "package changegate.rules.odd\n\n\
         findings contains {{\"code\": \"odd/odd\", \"effect\": \"deny\", \"message\": message}} if {{\n\
         \tinput.request.id == \"{id}\"\n\tmessage := odd\n}}\n\n\
         odd := \"a\" if input.request.id == \"{id}\"\n\nodd := \"b\" if input.request.id == \"{id}\"\n"
    );
    let path = "policies/rules/odd/odd.rego";
    let base = desk.put(&stage.main[0], &[(path, &rule)], "odd");
    let merge = &stage.main[1];
    let head = format!("{merge}^2");
    let message = desk.git(&["log", "-1", "--format=%B", merge]);
    let tree = desk.tree(merge, &[("100644", path, &rule)]);
    let merge = desk.commit(&tree, &[&base, &head], &message, &["-S"], &[]);
    (base, merge)
}

/// Record 68: rules that conflict decide nothing. Nobody is believed who says that they approved.
#[test]
fn rules_that_conflict_approve_nothing() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let (base, merge) = merged_under_a_conflict(&stage);
    // It is said, and what brought the rule is recorded.
    let taken_back = Forged { ledger: stage.line[2].clone(), evidence: stage.evidence[0].clone() };
    stage.set(&base, &taken_back);
    stage.bob.git(&["reset", "--quiet", "--hard"]);
    stage.bob.changegate(&["merge", "CHG-3"]).failed(&["odd.rego:10: rule conflicts"]);
    stage.bob.execute("CHG-4");
    let [bypass, other] =
        ["~1", ""].map(|it| entry_at(&stage.bob, &format!("audit/ledger{it}")).statement);
    let statement = stage.edited(3, |it| {
        set(it, "/predicate/base/commit", json!(base));
        set(it, "/predicate/base/protecting", json!(base));
        set(it, "/predicate/merge/covers/to", json!(merge));
        set(it, "/predicate/merge/covers/from", json!(base));
        it["predicate"]["policies"] = json!(other.predicate.policies);
    });
    let forged = stage.from(3, vec![bypass, statement]);
    let found =
        ["entry 4, decision: its decision can't be made again", "odd.rego:10: rule conflicts"];
    stage.is_found("approved by a conflict", &merge, &forged, found);
}
