//! Commits of the ledger that aren't entries, or where none can follow.

use super::*;

/// Record 41, 59: commits that hold something else than the files of an entry.
#[test]
fn commits_that_are_no_entries() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let files = "doesn't hold exactly the files of an entry";
    let mut cases = Vec::new();
    let readme: (_, _, Vec<u8>) = ("100644", "README.md", b"text".to_vec());
    let mut poison = stage.last();
    poison.files = vec![readme.clone()];
    cases.push(("41: something else", poison));
    for (what, mode, name) in [
        ("59: a file more", "100644", "note.txt"),
        ("59: a link", "120000", "link"),
        ("59: a submodule", "160000", "module"),
        ("59: a folder", "040000", "folder"),
        ("59: a name that differs by case", "100644", "State"),
    ] {
        let mut parts = stage.last();
        parts.files.push((mode, name, b"entry.json".to_vec()));
        cases.push((what, parts));
    }
    for (what, mode, index) in [
        ("59: a program", "100755", 0),
        ("59: a link in the place of a file", "120000", 1),
        ("59: a folder in the place of a file", "040000", 2),
        ("59: a submodule in the place of a file", "160000", 2),
    ] {
        let mut parts = stage.last();
        parts.files[index].0 = mode;
        cases.push((what, parts));
    }
    for index in 0..3 {
        let mut parts = stage.last();
        parts.files.remove(index);
        cases.push(("59: a file less", parts));
    }
    for (what, parts) in cases {
        let found = ["line: the commit holds no entry, and counts for nothing", files];
        stage.is_caught(what, &stage.with(&parts), files, found);
    }
    // Trees that git itself wouldn't make: another mode, and a name twice.
    let blob = |name: &str| {
        let path = format!("{}:{name}", stage.line[3]);
        stage.bob.git(&["rev-parse", &path])
    };
    let tree = |entries: &[(&str, &str)]| {
        let mut bytes = Vec::new();
        for (mode, name) in entries {
            bytes.extend(format!("{mode} {name}\0").as_bytes());
            let id = blob(name);
            bytes
                .extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
        }
        let path = hub.path("tree");
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        stage.bob.git(&["hash-object", "-t", "tree", "-w", "--literally", path])
    };
    let (one, two, three) = ("checkpoint", "entry.json", "state");
    for entries in [
        &[("100664", one), ("100644", two), ("100644", three)][..],
        &[("100644", one), ("100644", two), ("100644", three), ("100644", three)],
        &[("100644", two), ("100644", one), ("100644", three)],
    ] {
        let ledger = stage.last().commit_of(&tree(entries), &stage.bob);
        let forged = Forged { ledger, evidence: stage.evidence[1].clone() };
        let found = ["line: the commit holds no entry", files];
        stage.is_found(&format!("59: {entries:?}"), &stage.main[1], &forged, found);
    }
    the_truth_holds(&stage);
}

/// Record 58: another signature, header or message.
#[test]
fn commits_with_something_else_around_the_entry() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let honest = stage.bob.git(&["cat-file", "commit", &stage.line[3]]) + "\n";
    let earlier = stage.bob.git(&["cat-file", "commit", &stage.line[2]]) + "\n";
    let signature = |text: &str| {
        let (_, rest) = text.split_once("gpgsig ").unwrap();
        let (signature, _) = rest.split_once("\n\n").unwrap();
        format!("gpgsig {signature}\n")
    };
    let own = signature(&honest);
    let store = |text: &[u8]| {
        let path = hub.path("commit");
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        stage.bob.git(&["hash-object", "-t", "commit", "-w", "--literally", path])
    };
    let unsigned = "it isn't signed, so anybody could have made it";
    let invalid = "its signature isn't valid";
    let plain = "line: the commit isn't exactly that of the entry";
    let not_signed = "it is not signed by bob";
    for (what, text, hook, found) in [
        ("58: stripped", honest.replace(&own, ""), not_signed, unsigned),
        ("58: of other bytes", honest.replace(&own, &signature(&earlier)), not_signed, invalid),
        ("58: doubled", honest.replace(&own, &format!("{own}{own}")), NOT_PLAIN, plain),
        (
            "58: a header before",
            honest.replace(&own, &format!("encoding x\n{own}")),
            NOT_PLAIN,
            plain,
        ),
        ("58: a header behind", honest.replace(&own, &format!("{own}x y\n")), NOT_PLAIN, plain),
        ("58: another message", honest.replace("merged: ", "Merged: "), NOT_PLAIN, plain),
        ("58: a message that goes on", format!("{honest}more\n"), NOT_PLAIN, plain),
        ("58: a NUL", format!("{honest}\0x\n"), NOT_PLAIN, plain),
        (
            "58: another author",
            honest.replace("author bob <bob>", "author dan <dan>"),
            NOT_PLAIN,
            plain,
        ),
        (
            "58: another name",
            honest
                .replace("author bob <bob>", "author dan <dan>")
                .replace("committer bob <bob>", "committer dan <dan>"),
            NOT_PLAIN,
            plain,
        ),
        ("58: another zone", honest.replace(" +0000\n", " +0100\n"), NOT_PLAIN, plain),
    ] {
        assert_ne!(text, honest, "{what}");
        let ledger = store(text.as_bytes());
        let forged = Forged { ledger, evidence: stage.evidence[1].clone() };
        stage.is_caught(what, &forged, hook, ["entry 3, ", found]);
    }
    for (who, hook, found) in [
        ("dan", not_signed, "signature: it names bob, and dan signed it"),
        ("nobody", not_signed, "signature: it is signed with SHA256:"),
    ] {
        if who == "nobody" {
            let key = hub.key(who);
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f"];
            Ran::of(std::process::Command::new("ssh-keygen").args(arguments).arg(key), "")
                .went_well();
        }
        let parts = Parts { key: Some(who), ..stage.last() };
        stage.is_caught(who, &stage.with(&parts), hook, ["entry 3, ", found]);
    }
    // Signatures that nobody could check.
    let mut parts = stage.last();
    parts.files.insert(2, ("100644", "entry.sig", b"[]".to_vec()));
    let no_entry = "line: the commit holds no entry";
    let found = [no_entry, "there is no signature"];
    stage.is_caught("a signature of no key", &stage.with(&parts), found[1], found);
    let mut parts = stage.last();
    parts.file("checkpoint").extend("\u{2014} git.acme.example/ops AAAAAAAA\n".bytes());
    let found = [no_entry, "its checkpoint is signed, or longer, and its statement isn't signed"];
    stage.is_caught("a signature of no key", &stage.with(&parts), found[1], found);
    the_truth_holds(&stage);
}

/// Record 37, 60, 62, 63, 71: files of an entry that can't be read, or that disagree.
#[test]
fn files_that_are_not_those_of_an_entry() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let json = String::from_utf8(stage.entries[3].statement.bytes()).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        json.replacen(from, to, 1).into_bytes()
    };
    let no_entry = "line: the commit holds no entry, and counts for nothing";
    for (what, bytes) in [
        ("62: a key twice", edited("\"format\":", "\"format\":\"1\",\"format\":")),
        ("62: a lone surrogate", edited("\"CHG-3\"", "\"CHG-3\\ud800\"")),
        ("62: minus zero", edited("\"semantics\":", "\"semantics\":-0,\"x\":")),
        ("62: no number", edited("\"size\":", "\"size\":1e400,\"x\":")),
        ("37: a number with a point", edited("\"size\":", "\"size\":1.0,\"x\":")),
        ("37: a big number", edited("\"size\":", "\"size\":18446744073709551616,\"x\":")),
        ("62: a mark in front", [b"\xef\xbb\xbf", json.as_bytes()].concat()),
        ("62: bytes behind", format!("{json}\n").into_bytes()),
        ("62: two documents", format!("{json}{json}").into_bytes()),
        ("62: another spelling", edited("\"CHG-3\"", "\"CHG\\u002d3\"")),
        ("62: a field more", edited("\"kind\":", "\"extra\":1,\"kind\":")),
        ("62: cut off", json.as_bytes()[..json.len() - 1].to_vec()),
        ("62: nothing", Vec::new()),
        ("62: not UTF-8", [json.as_bytes(), b"\xff"].concat()),
        ("63: too long", vec![b' '; 65_536]),
    ] {
        let mut parts = stage.last();
        *parts.file("entry.json") = bytes;
        stage.is_caught(what, &stage.with(&parts), "was rejected", ["", no_entry]);
    }
    let mut parts = stage.last();
    *parts.file("entry.json") = edited("\"format\":\"1\"", "\"format\":\"2\"");
    let newer = stage.with(&parts);
    stage.is_refused("71", &newer, "it is of format 2, which is newer than this program");
    stage.set(&stage.main[1], &newer);
    stage.bob.verify().ended(2, &["not verified: ", "format 2, which is newer than this program"]);
    stage.bob.submit("CHG-4").went_well();
    stage.bob.changegate(&["merge", "CHG-4"]).failed(&["cannot continue audit/ledger", "format 2"]);

    // Record 60: a checkpoint or state of another log, and both of another one that agree.
    for (what, file, from, to) in [
        ("60: origin", "checkpoint", "git.acme.example/ops", "git.acme.example/other"),
        ("60: size", "checkpoint", "\n4\n", "\n5\n"),
        ("60: leading zero", "checkpoint", "\n4\n", "\n04\n"),
        ("60: no line", "state", "base ", "bose "),
        ("60: no commit", "state", "base refs/heads/main ", "base refs/heads/main 0"),
    ] {
        let mut parts = stage.last();
        let text = String::from_utf8(parts.file(file).clone()).unwrap();
        assert!(text.contains(from), "{what}: {text}");
        *parts.file(file) = text.replacen(from, to, 1).into_bytes();
        stage.is_caught(what, &stage.with(&parts), "was rejected", ["", no_entry]);
    }
    let tree = "tree: state or checkpoint isn't what follows from the entries before it";
    let poisoned = |edit: &dyn Fn(&mut State)| {
        let mut entry = stage.entries[3].clone();
        edit(&mut entry.state);
        stage.with(&Parts::of(&entry, &stage.line[2]))
    };
    let main = "refs/heads/main".to_owned();
    let older = stage.entries[0].state.bases[&main].clone();
    for (what, edit) in [
        (
            "60: another tree",
            &(|state: &mut State| state.tree = Frontier::of(4, vec![leaf(b"x")]).unwrap())
                as &dyn Fn(&mut State),
        ),
        ("60: a longer tree", &|state: &mut State| state.tree.push(leaf(b"x"))),
        ("60: a base left behind", &|state: &mut State| {
            state.bases.insert(main.clone(), older.clone());
        }),
        ("60: a base more", &|state: &mut State| {
            state.bases.insert("refs/heads/x".to_owned(), older.clone());
        }),
        ("60: a base less", &|state: &mut State| {
            state.bases.clear();
        }),
        ("60: no keys", &|state: &mut State| state.keys = None),
        ("60: other evidence", &|state: &mut State| {
            state.evidence = "refs/heads/audit/evidence-2".to_owned();
        }),
        ("60: no branch of evidence", &|state: &mut State| {
            state.evidence = "refs/heads/main".to_owned();
        }),
        ("75: a leap", &|state: &mut State| state.last = Some(older.clone())),
    ] {
        stage.is_caught(what, &poisoned(edit), NOT_NEXT, ["", tree]);
    }
    the_truth_holds(&stage);
}

/// Record 26, 27, 47, 53, 75, 77: entries in another order, twice, or in between.
#[test]
fn entries_where_they_cannot_stand() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let statement = |index: usize| stage.entries[index].statement.clone();
    let cannot = "can't follow here";
    let twice = stage.from(3, vec![statement(2)]);
    stage.is_caught("47", &twice, NOT_NEXT, ["entry 3, ", "recorded a second time"]);
    let again = stage.edited(0, |it| it["predicate"]["collector"]["who"] = "bob".into());
    let again = stage.from(3, vec![again]);
    stage.is_caught("77", &again, NOT_NEXT, ["entry 3, ", "the log has begun already"]);
    let evidence = stage.evidence[1].clone();
    let reordered = stage.from(1, vec![statement(2), statement(1), statement(3)]);
    stage.is_found("27: reordered", &stage.main[1], &reordered, ["entry 1, ", cannot]);
    let removed = stage.from(1, vec![statement(2), statement(3)]);
    stage.is_found("26: removed", &stage.main[1], &removed, ["entry 1, ", cannot]);

    // What is on the branch stays as it is, with something in between.
    let as_it_is = |index: usize, parent: &str| {
        let entry = &stage.entries[index];
        let mut parts = Parts::of(entry, parent);
        parts.key = Some(if index == 1 { "carol" } else { "bob" });
        parts.commit(&stage.bob)
    };
    let slipped_in: Entry = forced(&stage.entries[1].state, statement(1));
    let slipped_in = Parts { key: Some("carol"), ..Parts::of(&slipped_in, &stage.line[1]) };
    let second = as_it_is(2, &slipped_in.commit(&stage.bob));
    let forged = Forged { ledger: as_it_is(3, &second), evidence: evidence.clone() };
    let tree = "tree: state or checkpoint isn't what follows";
    stage.is_found("53", &stage.main[1], &forged, ["entry 2, ", tree]);
    let ledger = as_it_is(3, &stage.line[1]);
    let forged = Forged { ledger, evidence: evidence.clone() };
    stage.is_found("27: left out", &stage.main[1], &forged, ["entry 3, ", cannot]);

    // Record 75: a foreign commit, and an entry behind it that leaps over a sound one.
    let mut foreign = stage.last();
    foreign.files.truncate(1);
    let foreign = foreign.commit(&stage.bob);
    let mut state = stage.entries[1].state.clone();
    state.last = None;
    let mut leap = forced(&state, statement(3));
    leap.state.last = Some(changegate::ledger::object_id(
        changegate::git::Oid::from_str(&stage.line[1]).unwrap(),
    ));
    let ledger = Parts::of(&leap, &foreign).commit(&stage.bob);
    let forged = Forged { ledger, evidence };
    stage.is_caught("75", &forged, "the entry", ["", tree]);
    the_truth_holds(&stage);
}

/// Record 27, 75: a commit with two parents, one of which may be the base: it counts for nothing, and the next
/// merge is recorded behind it.
#[test]
fn a_foreign_commit_stops_nothing() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let [main, _] = &stage.main;
    let evidence = stage.evidence[0].clone();
    let several = "it has several parents";
    for (what, parents) in [
        ("27", vec![stage.line[2].clone(), stage.line[1].clone()]),
        ("75: the base first", vec![main.clone(), stage.line[2].clone()]),
        ("75: an older entry first", vec![stage.line[1].clone(), stage.line[2].clone()]),
    ] {
        let ledger = Parts { parents, ..stage.last() }.commit(&stage.bob);
        let forged = Forged { ledger: ledger.clone(), evidence: evidence.clone() };
        stage.is_refused(what, &forged, several);
        stage.is_found(what, main, &forged, ["line: the commit holds no entry", several]);
        stage.set(main, &forged);
        stage.bob.git(&["reset", "--quiet", "--hard"]);
        stage.bob.changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3"]);
        let entry = entry_at(&stage.bob, "audit/ledger");
        assert_eq!((entry.index, entry.state.last), (4, None), "{what}");
        let note = entry_at(&stage.bob, "audit/ledger~1");
        assert_eq!(note.statement.predicate.note.unwrap().about, About::Foreign, "{what}");
        assert_eq!(note.state.last.unwrap().to_string(), stage.line[2], "{what}");
        let ran = stage.bob.verify();
        let noted = [several, "; entry 3 notes it"].concat();
        ran.ended(1, &["not as it has to be: 1 finding", &ledger[..7], &noted]);
        assert!(ran.stdout.contains("5 entries"), "{what}: {ran:?}");
    }
}

/// Record 41: an entry behind foreign commits that doesn't note them, and a note of some that there aren't. What
/// the program writes behind them is accepted.
#[test]
fn foreign_commits_are_noted() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let mut foreign = stage.last();
    foreign.files.truncate(1);
    let foreign = foreign.commit(&stage.bob);
    let nothing = stage.edited(0, |value| {
        let main = stage.main[0].as_str();
        let tree = stage.bob.git(&["rev-parse", &format!("{main}^{{tree}}")]);
        value["subject"] = json!([{"name": "tip", "digest": {"gitCommit": main, "gitTree": tree}}]);
        let it = value["predicate"].as_object_mut().unwrap();
        it.retain(|field, _| !["bases", "keys"].contains(&field.as_str()));
        it.insert("kind".to_owned(), "note".into());
        it.insert("note".to_owned(), json!({"about": "foreign", "by": "bob"}));
        it["collector"]["who"] = "bob".into();
        it["base"]["commit"] = main.into();
        it["base"]["protecting"] = main.into();
        it["recorded_at"] = serde_json::to_value(stage.last().at).unwrap();
    });
    let note = forced(&stage.entries[2].state, nothing);
    let ledger = Parts::of(&note, &stage.line[2]).commit(&stage.bob);
    let forged = Forged { ledger, evidence: stage.evidence[0].clone() };
    let why = "it notes foreign commits, and there are none before it";
    stage.is_found("41: of nothing", &stage.main[0], &forged, ["entry 3, provenance: ", why]);
    let alone = format!("{}:refs/heads/audit/ledger", forged.ledger);
    stage
        .bob
        .push_together(&[&alone])
        .refused(&["foreign commits are noted in an entry of their own"]);

    hub.unguard();
    stage.bob.push_together(&[&format!("{foreign}:refs/heads/audit/ledger")]).went_well();
    hub.guard();
    let last = changegate::git::Oid::from_str(&stage.line[2]).unwrap();
    let last = Some(changegate::ledger::object_id(last));
    let silent = Entry::behind(&stage.entries[2].state, stage.entries[3].statement.clone(), last);
    let ledger = Parts::of(&silent.unwrap(), &foreign).commit(&stage.bob);
    let silent = Forged { ledger, evidence: stage.evidence[1].clone() };
    stage.is_refused("41: silent", &silent, "foreign commits are noted in an entry of their own");

    hub.desk_at("bob", "next").changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3"]);
    let erin = hub.desk("erin");
    erin.verify().ended(1, &["5 entries", "; entry 3 notes it", "not as it has to be: 1 finding"]);
    hub.desk_at("bob", "later").execute("CHG-4");
    erin.verify().ended(1, &["6 entries", "not as it has to be: 1 finding"]);
    hub.is_sound();
}

/// Record 58: an entry that is signed with a key that nobody named. What the program writes next isn't built on it.
#[test]
fn an_entry_that_nobody_signed_who_may() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let forged = Parts { key: Some("dan"), ..stage.last() }.commit(&stage.bob);
    let alone = Forged { ledger: forged.clone(), evidence: stage.evidence[1].clone() };
    let why = "signature: it names bob, and dan signed it";
    stage.is_found("58", &stage.main[1], &alone, ["entry 3, ", why]);
    hub.unguard();
    stage.bob.push_together(&[&format!("{forged}:refs/heads/audit/ledger")]).went_well();
    hub.guard();
    // Nor does anybody say that they saw it.
    hub.desk_at("alice", "alices").submit("CHG-5").went_well();
    hub.desk_at("carol", "carols").approve("CHG-5").went_well();
    hub.desk_at("bob", "next").changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3"]);
    let erin = hub.desk("erin");
    let noted = format!("{why}; entry 3 notes it");
    erin.verify().ended(1, &["5 entries", &noted, "not as it has to be: 1 finding"]);
    let note = entry_at(&erin, "refs/changegate/origin/audit/ledger~1");
    assert_eq!(note.state.last.unwrap().to_string(), stage.line[2]);
    erin.changegate(&["audit", "coverage"]).ended(0, &["complete: everything is recorded"]);
    hub.desk_at("carol", "more").changegate(&["merge", "CHG-5"]).ended(0, &["merged CHG-5"]);
    erin.verify().ended(1, &["6 entries", "not as it has to be: 1 finding"]);
    hub.is_sound();
}
