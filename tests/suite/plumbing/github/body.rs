//! The body of an answer, which may break off in the middle.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A body.
pub struct Sent {
    bytes: Option<Bytes>,
    length: u64,
    ending: Ending,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    /// It breaks off, once what there is of it is on its way.
    Flushes,
    BreaksOff,
}

impl Sent {
    /// A body that comes whole.
    pub fn whole(bytes: Bytes) -> Self {
        Sent { length: bytes.len() as u64, bytes: Some(bytes), ending: Ending::Whole }
    }

    /// The first half of one.
    pub fn half(bytes: Bytes) -> Self {
        let half = bytes.slice(..bytes.len() / 2);
        Sent { length: bytes.len() as u64, bytes: Some(half), ending: Ending::Flushes }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::Flushes => {
                self.ending = Ending::BreaksOff;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::BreaksOff => Poll::Ready(Some(Err(io::Error::other("broken off")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ending == Ending::Whole && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
