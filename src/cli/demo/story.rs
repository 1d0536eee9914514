//! The story, step by step: who does what, what it must show, and how git shows the same.

/// The path of alice's request in her clone.
pub const REQUEST: &str = "requests/CHG-1234.yaml";

/// The request as she first writes it; its times are inserted.
pub const TEMPLATE: &str = include_str!("request.yaml");

/// The request of the change that is executed.
const SCALE: &str = include_str!("scale.yaml");

/// The request of the change that leads to an incident.
const RESTART: &str = include_str!("restart.yaml");

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
    /// Carol gives the demo settings of its own.
    Adapt,
    /// A person writes a request, of which these lines are shown.
    Write {
        who: &'static str,
        path: &'static str,
        text: &'static str,
        shows: &'static [&'static str],
    },
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
                every push, a ledger begins, and a log of what is executed. The shipped settings ask for \
                15 minutes of watching after a change; the demo asks for 2 seconds, and opens windows \
                of its own for medium changes. Alice is an operator, Bob leads DevOps, Dan owns checkout.",
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
            Act::Adapt,
            run("carol", "git add .", 0, &[]),
            run("carol", "git commit --quiet -m 'Add changegate'", 0, &[]),
            run("carol", "git push --quiet origin HEAD:main", 0, &[]),
            run("carol", "changegate init --hook ../hub.git", 0, &[]),
            run("carol", "changegate init --ledger", 0, &["began the ledger"]),
            run("carol", "changegate init --operations", 0, &["began audit/operations"]),
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
            Act::Write {
                who: "alice",
                path: REQUEST,
                text: TEMPLATE,
                shows: &["summary:", "schedule:", "justification:"],
            },
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
        title: "Bob executes a change, with the approved parameters",
        why: "His change is medium, and needs no review. The command gets its parameters from the \
                approval; other parameters are refused, and so is a second start.",
        acts: &[
            Act::Write {
                who: "bob",
                path: "requests/CHG-1235.yaml",
                text: SCALE,
                shows: &["actions:", "scale-service", "monitor:"],
            },
            run("bob", "changegate submit CHG-1235", 0, &["submitted CHG-1235"]),
            run("bob", "changegate merge CHG-1235", 0, &["merged CHG-1235 into main"]),
            run(
                "bob",
                "changegate exec CHG-1235 --parameter pods=24 -- sh -c 'echo scaling'",
                201,
                &["DENIED for execution", "error[execute/parameters]"],
            ),
            run(
                "bob",
                "changegate exec CHG-1235 -- \\\n  \
                 sh -c 'echo scaling $CHANGEGATE_TARGET to $CHANGEGATE_PARAMETER_PODS pods'",
                0,
                &["scaling checkout-web to 12 pods"],
            ),
            run(
                "dan",
                "changegate exec CHG-1235 --step 1 -- sh -c 'echo scaling'",
                201,
                &["error[execute/step-done]"],
            ),
        ],
    },
    Scene {
        title: "It isn't successful before it is verified",
        why: "What is polled is in the roster: a service on this machine. What no program can see, \
                Bob answers.",
        acts: &[
            run(
                "bob",
                "changegate outcome CHG-1235 successful",
                1,
                &["DENIED for closing", "error[outcome/monitoring]"],
            ),
            run(
                "bob",
                "changegate verify CHG-1235 --manual checkout/error-rate=passed",
                0,
                &["passed  http://127.0.0.1:", "recorded verified CHG-1235: passed"],
            ),
            run(
                "bob",
                "changegate outcome CHG-1235 successful",
                0,
                &["recorded outcome CHG-1235: successful"],
            ),
            run("carol", "git fetch --quiet", 0, &[]),
            git(
                "git -C carol log --reverse --format='%h %as  %s' --grep='^Change: CHG-1235' \
                 origin/audit/operations",
                "an event is a commit",
            ),
        ],
    },
    Scene {
        title: "A change leads to an incident: the others wait until it is over",
        why: "One command declares it, pauses other changes to the same service, and says whom to call. \
                Undoing what was begun is always allowed.",
        acts: &[
            Act::Write {
                who: "dan",
                path: "requests/CHG-1236.yaml",
                text: RESTART,
                shows: &["actions:", "restart-pods"],
            },
            run("dan", "changegate submit CHG-1236", 0, &["submitted CHG-1236"]),
            run("dan", "changegate merge CHG-1236", 0, &["merged CHG-1236 into main"]),
            run("dan", "changegate exec CHG-1236 -- sh -c 'echo restarting'", 0, &["restarting"]),
            run(
                "dan",
                "changegate escalate CHG-1236 --severity P2 --summary 'carts are lost'",
                0,
                &["P2 declared", "pauses changes to checkout", "roll back:"],
            ),
            run(
                "alice",
                "changegate authorize CHG-1234",
                1,
                &["DENIED for execution", "error[conflict/escalation-pause]"],
            ),
            run(
                "dan",
                "changegate exec CHG-1236 --rollback -- sh -c 'echo restarting the previous image'",
                0,
                &["restarting the previous image"],
            ),
            run(
                "carol",
                "changegate incident resolve INC-001 --note 'the new image is withdrawn'",
                0,
                &["recorded resolved INC-001"],
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
