//! A TLS connection that can be ended from outside.

use super::{CallerInfo, live::Place};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsStream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

/// One open connection. Dropping it takes it out of the registry.
#[derive(Debug)]
pub struct Stream {
    tls: TlsStream<TcpStream>,
    address: Option<SocketAddr>,
    place: Place,
    // One for each direction, as each may be polled by a task of its own: a single one would wake the last of them only.
    read_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    write_cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream {
    pub(super) fn new(tls: TlsStream<TcpStream>, place: Place) -> Self {
        let wait = || Box::pin(place.cut.token().clone().cancelled_owned());
        Self { read_cut: wait(), write_cut: wait(), tls, address: None, place }
    }

    pub(super) const fn came_from(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Who is at the other end.
    pub fn caller_info(&self) -> CallerInfo {
        CallerInfo { caller: self.place.caller.clone(), address: self.address }
    }

    fn check(&self) -> io::Result<()> {
        if self.place.cut.is_done() { Err(was_cut()) } else { Ok(()) }
    }
}

impl Connected for Stream {
    type ConnectInfo = CallerInfo;

    fn connect_info(&self) -> CallerInfo {
        self.caller_info()
    }
}

fn was_cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the credential of this connection is believed no more")
}

/// What waits has to be woken by a cut; what is ready was checked before.
fn or_cut<T>(
    outcome: Poll<io::Result<T>>,
    cut: &mut Pin<Box<WaitForCancellationFutureOwned>>,
    context: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if outcome.is_pending() && cut.as_mut().poll(context).is_ready() {
        return Poll::Ready(Err(was_cut()));
    }
    outcome
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.tls).poll_read(context, buffer);
        or_cut(outcome, &mut this.read_cut, context)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.tls).poll_write(context, bytes);
        or_cut(outcome, &mut this.write_cut, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.tls).poll_write_vectored(context, slices);
        or_cut(outcome, &mut this.write_cut, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.tls).poll_flush(context);
        or_cut(outcome, &mut this.write_cut, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.place.cut.is_done() {
            return Poll::Ready(Ok(())); // nobody is owed a close_notify; dropping the socket closes it
        }
        let outcome = Pin::new(&mut this.tls).poll_shutdown(context);
        or_cut(outcome, &mut this.write_cut, context)
    }
}
