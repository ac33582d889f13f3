//! Streams of a file: made by a task, at the reader's pace, in bounded memory and time. One that is not finished in time
//! ends with an error, never as if it were whole.

use crate::{limits::OpenStream, refusal::Refusal, spawn::Tasks};
use exchange_core::reason::Reason;
use std::{
    future::Future,
    iter,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::Status;

/// Messages of 64 KiB that wait for a reader.
const WAITING: usize = 2;

/// Where the task puts what goes out.
pub(super) type Out<T> = mpsc::Sender<Result<T, Status>>;

/// A stream of messages.
pub(super) type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream of what `work` puts out, which may take `within` and no longer.
pub(super) fn stream<T, F>(
    tasks: &Tasks,
    open: OpenStream,
    within: Duration,
    work: impl FnOnce(Out<T>) -> F,
) -> Items<T>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    let (work, stopping) = (work(sender), tasks.clone());
    let cut = Arc::new(AtomicBool::new(true));
    let finished = Arc::clone(&cut);
    tasks.spawn(async move {
        let _open = open;
        tokio::select! {
            biased;
            () = stopping.stopping() => {}
            done = tokio::time::timeout(within, work) => finished.store(done.is_err(), Ordering::Release),
        }
    });
    // Asked when everything that was put out is gone.
    let ending = iter::once_with(move || {
        cut.load(Ordering::Acquire).then(|| {
            let found = format!("a file that was not read within {} ms, or a node that stops", within.as_millis());
            Err(Refusal::node(Reason::DeadlineExceeded, found, "a reader that keeps up").into())
        })
    });
    Box::pin(ReceiverStream::new(receiver).chain(tokio_stream::iter(ending.flatten())))
}
