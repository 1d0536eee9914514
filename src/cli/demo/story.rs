//! The story, step by step: who does what, what it must show, and how git shows the same.

/// The path of alice's request in her clone.
pub const REQUEST: &str = "requests/CHG-1234.yaml";

/// The request as she first writes it; its times are inserted.
pub const TEMPLATE: &str = include_str!("request.yaml");

/// A step.
pub struct Scene {
    /// What happens, in a few words.
    pub title: &'static str,
    /// The reason, in a sentence or two.
    pub why: &'static str,
    /// The actions, in order.
    pub acts: &'static [Act],
}

/// An action.
pub enum Act {
    /// Alice writes her request, of which these lines are shown.
    Write { shows: &'static [&'static str] },
    /// Alice edits her request.
    Edit { from: &'static str, to: &'static str },
    /// A person runs a command in their clone. It must end with this exit code and print each of
    /// `shows`, in lines that are shown.
    Run { who: &'static str, line: &'static str, code: i32, shows: &'static [&'static str] },
    /// Git's output to anyone who looks, complete, and what it means if that isn't obvious.
    Git { line: &'static str, says: &'static str },
}

const fn run(
    who: &'static str,
    line: &'static str,
    code: i32,
    shows: &'static [&'static str],
) -> Act {
    Act::Run { who, line, code, shows }
}

const fn git(line: &'static str, says: &'static str) -> Act {
    Act::Git { line, says }
}

/// The steps.
pub const STORY: &[Scene] = &[
    Scene {
        title: "Carol sets the repository up",
        why: "Done once: policies and roster are pushed to main, the server gets a hook that judges \
                every push, and a ledger begins. Alice is an operator, Bob leads DevOps, Dan owns checkout.",
        acts: &[
            run(
                "carol",
                "changegate init \\\n  \
                 --person alice,level=L1,email=alice@acme.example,key=../keys/alice.pub \\\n  \
                 --person bob,level=L2,role=devops-lead,email=bob@acme.example,key=../keys/bob.pub \\\n  \
                 --person carol,level=L3,email=carol@acme.example,key=../keys/carol.pub \\\n  \
                 --person dan,level=L2,email=dan@acme.example,key=../keys/dan.pub \\\n  \
                 --service checkout=dan",
                0,
                &[],
            ),
            run("carol", "git add .", 0, &[]),
            run("carol", "git commit --quiet -m 'Add changegate'", 0, &[]),
            run("carol", "git push --quiet origin HEAD:main", 0, &[]),
            run("carol", "changegate init --hook ../hub.git", 0, &[]),
            run("carol", "changegate init --ledger", 0, &["began the ledger"]),
            git(
                "git -C carol log --format='%h %G? %GS  %s' origin/main",
                "G: a good signature, and whose",
            ),
        ],
    },
    Scene {
        title: "Alice plans a change for a time at which no change may run: denied",
        why: "The usual script would drain a whole region, so her change is off-script: she says \
                why, what could go wrong, and what to do then.",
        acts: &[
            Act::Write { shows: &["summary:", "schedule:", "justification:"] },
            run(
                "alice",
                "changegate submit CHG-1234",
                1,
                &["DENIED", "  window ", "error[window/closed]"],
            ),
            git("git -C alice ls-remote origin 'change/*'", "nothing: it isn't submitted"),
        ],
    },
    Scene {
        title: "She moves it into a window, and submits it",
        why: "The change becomes a branch with one signed commit. Changegate says who has to sign \
                off, why, and until when.",
        acts: &[
            Act::Edit { from: "{closed}", to: "{open}" },
            run(
                "alice",
                "changegate submit CHG-1234",
                0,
                &["PENDING", "waits for", "  window ", "submitted CHG-1234", "next, until"],
            ),
            git("git -C alice log --format='%h %G? %GS  %s' main..origin/change/CHG-1234", ""),
        ],
    },
    Scene {
        title: "She approves it herself: refused",
        why: "Nobody approves their own change, and no policy can allow it.",
        acts: &[
            run(
                "alice",
                "changegate review CHG-1234 --approve",
                1,
                &["error: nobody approves their own change"],
            ),
            git("git -C alice ls-remote origin 'reviews/*'", "nothing: no review"),
        ],
    },
    Scene {
        title: "Bob, the DevOps lead, signs off",
        why: "He sees what he signs: beside each criterion the request's own words. His review is a \
                signed commit about exactly that content.",
        acts: &[
            run(
                "bob",
                "changegate review CHG-1234 --approve --yes",
                0,
                &[
                    "business goals",
                    "risk and contingency",
                    "users and operations",
                    "approved by bob, and counts",
                    "waits for service-owner",
                ],
            ),
            git(
                "git -C bob log -1 --format='%h %G? %GS  %s%n%n%b' origin/reviews/CHG-1234",
                "what he signed",
            ),
        ],
    },
    Scene {
        title: "Alice edits the impact: Bob's approval becomes void",
        why: "",
        acts: &[
            Act::Edit { from: "about 30 s of errors", to: "up to 5 min of errors" },
            run("alice", "changegate submit CHG-1234", 0, &["not counted", "submitted CHG-1234"]),
            git(
                "git -C alice log --format='%h %G? %GS  %s' main..origin/change/CHG-1234",
                "nothing is rewritten",
            ),
        ],
    },
    Scene {
        title: "Alice is in a hurry and tries to bypass the review: the server refuses",
        why: "She pushes to main herself, and then reviews in Bob's name; but anyone can claim \
                an address, and nobody can forge a signature.",
        acts: &[
            run("alice", "git push origin change/CHG-1234:main", 1, &["changegate: refused"]),
            run(
                "alice",
                "GIT_COMMITTER_EMAIL=bob@acme.example changegate review CHG-1234 --approve --yes",
                1,
                &["changegate: refused"],
            ),
            git("git -C hub.git log --format='%h %s' main", "main hasn't moved"),
        ],
    },
    Scene {
        title: "Bob sees what changed and signs again; Dan signs for checkout",
        why: "",
        acts: &[
            run(
                "bob",
                "changegate review CHG-1234 --approve --yes",
                0,
                &[
                    "What has changed since",
                    "-  users:",
                    "+  users:",
                    "approved by bob, and counts",
                ],
            ),
            run(
                "dan",
                "changegate review CHG-1234 --approve --yes",
                0,
                &["approved by dan, and counts", "signed off by"],
            ),
            git(
                "git -C dan log -3 --first-parent --format='%h %G? %GS  %s' origin/reviews/CHG-1234",
                "",
            ),
        ],
    },
    Scene {
        title: "Carol merges",
        why: "Only what is approved at this moment is merged, and only as it was reviewed. The \
                server judges once more, and makes the same merge itself to compare.",
        acts: &[
            run("carol", "changegate merge CHG-1234", 0, &["merged CHG-1234 into main"]),
            git(
                "git -C carol log -1 --format='%h %G? %GS  %s%n%n%b' origin/main",
                "the decision, kept for good",
            ),
        ],
    },
    Scene {
        title: "The audit trail is git log",
        why: "Who requested it, who signed what and when, on what basis: signed, in order, and in \
                everybody's clone.",
        acts: &[
            git(
                "git -C carol log --graph --format='%h %G? %<(18)%GS %s' origin/main origin/reviews/CHG-1234",
                "",
            ),
            git(
                "git -C carol log --grep='^Approved-by: dan' --format='%h %as %s' origin/main",
                "what did Dan sign?",
            ),
        ],
    },
    Scene {
        title: "The record proves itself",
        why: "The merge brought an entry to the ledger, in the same push: what was decided, and the \
                evidence. Anybody with a clone makes each decision again, and sees that none is missing.",
        acts: &[
            run("carol", "changegate audit verify", 0, &["made again", "covers", "verified"]),
            run("carol", "git fetch --quiet", 0, &[]),
            git(
                "git -C carol log --format='%h %G? %GS  %s' origin/audit/ledger",
                "an entry is a signed commit",
            ),
        ],
    },
    Scene {
        title: "Alice forges an entry, and Bob, who runs the server, lets it in: it is found",
        why: "The hook refuses it. Bob goes around the hook; but an entry has to follow from those \
                before it, and carries the signature of the person it names.",
        acts: &[
            run("alice", "git fetch --quiet", 0, &[]),
            run("alice", "git switch --quiet --detach origin/audit/ledger", 0, &[]),
            run(
                "alice",
                "git commit --quiet --allow-empty --message 'merged: CHG-6666 Approved by nobody'",
                0,
                &[],
            ),
            run("alice", "git push origin HEAD:audit/ledger", 1, &["changegate: refused"]),
            run("bob", "git -C ../hub.git fetch --quiet ../alice HEAD:audit/ledger", 0, &[]),
            run("carol", "changegate audit verify", 1, &[", signature:", "not as it has to be"]),
        ],
    },
];
