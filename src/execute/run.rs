//! Runs a command in the terminal of who asks: signals reach it, and something is done at set times while
//! it runs.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::{Handle, Signals};

/// The signals that are passed on.
const PASSED_ON: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(u8),
    /// By this signal.
    Signal(u8),
    /// It wasn't found.
    NotFound,
    /// It can't be run.
    NotRunnable,
}

impl Ended {
    /// Returns the exit code as a shell has it.
    pub fn code(self) -> u8 {
        match self {
            Ended::Code(code) => code,
            Ended::Signal(signal) => 128u8.saturating_add(signal),
            Ended::NotFound => 127,
            Ended::NotRunnable => 126,
        }
    }
}

/// What happens while a command runs.
enum News {
    Signal(i32),
    Ended(std::io::Result<ExitStatus>),
}

/// Signals that arrive from now on, which end nothing by themselves any more.
pub struct Caught {
    sender: Sender<News>,
    news: Receiver<News>,
    handle: Handle,
}

impl Caught {
    /// Catches the signals that are passed on to a command.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> anyhow::Result<Self> {
        let mut signals = Signals::new(PASSED_ON).context("prepare for signals")?;
        let handle = signals.handle();
        let (sender, news) = channel();
        let to = sender.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                if to.send(News::Signal(signal)).is_err() {
                    break;
                }
            }
        });
        Ok(Caught { sender, news, handle })
    }

    /// Waits, and returns at once that a signal arrives, or has arrived, which asks to end.
    pub fn is_asked_to_end_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(News::Signal(SIGUSR1 | SIGUSR2)) => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Runs a command until it ends. `at` is called at the times that it returns, first `first`, and says
    /// how much later again.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn run(
        self,
        mut command: Command,
        first: Option<Duration>,
        mut at: impl FnMut() -> Option<Duration>,
    ) -> anyhow::Result<Ended> {
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ended::NotFound),
            Err(_) => return Ok(Ended::NotRunnable),
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        wait_apart(child, self.sender.clone());
        let mut next = first.map(|first| Instant::now() + first);
        loop {
            let news = match next {
                Some(next) => {
                    self.news.recv_timeout(next.saturating_duration_since(Instant::now()))
                }
                None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match news {
                Ok(News::Ended(status)) => {
                    return Ok(ended(status.context("wait for the command")?));
                }
                Ok(News::Signal(signal)) => pass_on(signal, pid),
                Err(RecvTimeoutError::Timeout) => next = at().map(|more| Instant::now() + more),
                Err(RecvTimeoutError::Disconnected) => anyhow::bail!("wait for the command"),
            }
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn wait_apart(mut child: Child, sender: Sender<News>) {
    thread::spawn(move || sender.send(News::Ended(child.wait())));
}

fn ended(status: ExitStatus) -> Ended {
    let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(number(code)),
        (None, Some(signal)) => Ended::Signal(number(signal)),
        (None, None) => Ended::Code(u8::MAX),
    }
}

/// Passes a signal on to the command, but for Ctrl-C on the terminal of both, which sent it to both.
fn pass_on(signal: i32, pid: Option<Pid>) {
    let in_foreground = || {
        let terminal = std::io::stdin();
        rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp())
    };
    if signal == SIGINT && in_foreground() {
        return;
    }
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}
