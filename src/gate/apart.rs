//! Evaluates policies in processes of their own, where one run judges several changes: what exceeds a
//! bound ends that process alone.
//!
//! ```text
//! parent: the bundle's files ─▶ child: sets its limits, loads ─▶ loaded, or why not
//!         an input document  ─▶        evaluates              ─▶ a ruling, or why there is none
//!         tests              ─▶        runs them              ─▶ their results, or why there are none
//! ```
//!
//! Each message is a line of JSON. The child gets no environment. A child that dies, or takes too long
//! to answer, has exceeded a bound; the parent ends it, and starts another one for the next decision.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cpu;
use super::watchdog::{MEMORY, TIME};
use crate::core::policy::testing::TestReport;
use crate::core::policy::{Files, PolicyBundle, Ruling};

/// The verb that makes this program such a child.
pub const VERB: &str = "evaluate";

/// The most CPU time for all tests of a bundle together.
const TESTS: Duration = Duration::from_secs(60);

/// The longest time that the parent waits for an answer. The bound on CPU time ends the child sooner,
/// unless the machine is very busy.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The policies of a bundle, evaluated in children: one for each thread that decides.
pub struct Apart {
    program: PathBuf,
    files: Files,
    /// The children that no thread is using.
    idle: Mutex<Vec<Running>>,
}

/// What a child is asked once it has loaded the policies.
#[derive(Serialize, Deserialize)]
enum Question {
    /// The ruling on an input document.
    Rule(Value),
    /// The results of the tests whose full name contains `only`.
    Test { only: Option<String>, source: String },
}

/// A child that has loaded the policies.
struct Running {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Apart {
    /// Loads a bundle in a child, which `program` is if it gets the argument [`VERB`].
    ///
    /// # Errors
    /// When the child can't be started, when the policies can't be used, or when they exceed a bound.
    pub fn load(program: PathBuf, files: Files) -> anyhow::Result<Self> {
        let apart = Apart::when_needed(program, files);
        let first = apart.start()?;
        apart.idle().push(first);
        Ok(apart)
    }

    /// Prepares to load a bundle as [`Apart::load`] does, as soon as it is asked for a ruling.
    pub fn when_needed(program: PathBuf, files: Files) -> Self {
        Apart { program, files, idle: Mutex::default() }
    }

    /// Returns the ruling on an input document.
    ///
    /// # Errors
    /// When there is none, or when evaluating it exceeds a bound.
    pub fn rule(&self, input: &Value) -> anyhow::Result<Ruling> {
        self.ask(&Question::Rule(input.clone()))
    }

    /// Runs the bundle's own tests, see [`PolicyBundle::test`].
    ///
    /// # Errors
    /// When they can't be run, or exceed a bound.
    pub fn test(&self, only: Option<&str>, source: &str) -> anyhow::Result<TestReport> {
        let only = only.map(str::to_owned);
        self.ask(&Question::Test { only, source: source.to_owned() })
    }

    fn ask<T: DeserializeOwned>(&self, question: &Question) -> anyhow::Result<T> {
        let idle = self.idle().pop();
        let mut running = idle.map_or_else(|| self.start(), Ok)?;
        let answer: Result<T, String> = running.ask(question)?;
        self.idle().push(running);
        answer.map_err(|why| anyhow!(why))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Running>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> anyhow::Result<Running> {
        let mut child = Command::new(&self.program)
            .arg(VERB)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.map_while(|line| send.send(line).ok()).for_each(drop);
        });
        let mut running = Running { child, input, answers };
        let loaded: Result<(), String> = running.ask(&self.files)?;
        loaded.map_err(|why| anyhow!(why))?;
        Ok(running)
    }
}

impl Running {
    fn ask<T: DeserializeOwned>(&mut self, question: &impl Serialize) -> anyhow::Result<T> {
        // If the child is gone, it doesn't answer either.
        let _ = write_line(&mut self.input, question);
        let answer = self.answers.recv_timeout(LONGEST_WAIT).map_err(|_| {
            let (seconds, tests, mebibytes) = (TIME.as_secs(), TESTS.as_secs(), MEMORY >> 20);
            anyhow!(
                "the policies exceeded a bound: loading or deciding used more than {seconds} s of CPU \
                 time, their tests more than {tests} s, or all of it more than {mebibytes} MiB of \
                 memory; nothing was decided"
            )
        })?;
        serde_json::from_str(&answer).context("cannot read the answer of the policies' process")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Evaluates policies for a parent until `questions` end.
///
/// # Errors
/// When a limit can't be set, or the parent can't be understood or reached.
pub fn evaluate(questions: impl BufRead, mut answers: impl Write) -> anyhow::Result<()> {
    limits::for_this_process()?;
    let mut questions = questions.lines();
    let files = questions.next().context("the parent sent no policies")??;
    let files: Files = serde_json::from_str(&files).context("cannot read the policies")?;
    limits::for_next_answer(TIME)?;
    let bundle = match PolicyBundle::load(files, cpu::thread_time) {
        Ok(bundle) => bundle,
        Err(error) => return write_line(&mut answers, &Err::<(), _>(error.to_string())),
    };
    write_line(&mut answers, &Ok::<_, String>(()))?;
    let mut evaluator = bundle.evaluator();
    for question in questions {
        let question = serde_json::from_str(&question?).context("cannot read the question")?;
        match question {
            Question::Rule(input) => {
                limits::for_next_answer(TIME)?;
                let ruling = evaluator.rule(&input).map_err(|error| error.to_string());
                write_line(&mut answers, &ruling)?;
            }
            Question::Test { only, source } => {
                limits::for_next_answer(TESTS)?;
                let report = bundle.test(only.as_deref(), &source);
                write_line(&mut answers, &report.map_err(|error| format!("{error:#}")))?;
            }
        }
    }
    Ok(())
}

fn write_line(to: &mut impl Write, message: &impl Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(message)? + "\n";
    to.write_all(line.as_bytes()).and_then(|()| to.flush()).context("cannot write a message")
}

/// The limits that the child sets on itself; the system ends it when it exceeds one.
#[cfg(unix)]
mod limits {
    use anyhow::Context as _;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};

    use super::{Duration, MEMORY};

    /// Limits memory, and allows no file to be written.
    pub fn for_this_process() -> anyhow::Result<()> {
        for (resource, limit) in
            [(Resource::Data, MEMORY), (Resource::Fsize, 0), (Resource::Core, 0)]
        {
            let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
            setrlimit(resource, limit).context("cannot set a limit")?;
        }
        Ok(())
    }

    /// Limits the CPU time until the next answer. The system counts whole seconds from the start of
    /// the process.
    pub fn for_next_answer(most: Duration) -> anyhow::Result<()> {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
        let maximum = getrlimit(Resource::Cpu).maximum;
        let limit = Rlimit { current: Some(used + 1 + most.as_secs()), maximum };
        setrlimit(Resource::Cpu, limit).context("cannot set a limit")
    }
}

/// Elsewhere, only the parent's patience is limited.
#[cfg(not(unix))]
mod limits {
    pub fn for_this_process() -> anyhow::Result<()> {
        Ok(())
    }

    pub fn for_next_answer(_: super::Duration) -> anyhow::Result<()> {
        Ok(())
    }
}
