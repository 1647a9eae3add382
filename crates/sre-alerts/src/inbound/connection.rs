//! Connections: taken up to a number, each with its timeouts, ended politely when the server stops.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use super::handle::Peer;
use super::limits::Limits;
use super::tls::Tls;

/// The largest head in bytes; hyper answers 431 above. Apache stops at 8 KiB a line, nginx at 32 KiB.
const MAX_HEAD: usize = 32 * 1024;

/// How long to wait after the system had no descriptor for another connection.
const BREATHER: Duration = Duration::from_millis(100);

/// How long a caller may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(1);

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that were cut off because their requests took longer than [`Limits::drain`].
    pub cut_off: usize,
}

/// What every connection needs.
#[derive(Clone, Debug)]
struct Context {
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    /// Finish what is under way.
    stop: CancellationToken,
    /// End now.
    kill: CancellationToken,
}

/// Serves until `stop` completes, and drains.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: impl Future<Output = ()> + Send,
) -> Drained {
    let context = Context { router, limits, tls, stop: CancellationToken::new(), kill: CancellationToken::new() };
    let tasks = TaskTracker::new();
    tokio::select! {
        () = stop => {}
        () = accept(&listener, &context, &tasks) => {}
    }
    drop(listener);
    context.stop.cancel();
    tasks.close();
    let drained = timeout(context.limits.drain, tasks.wait()).await.is_ok();
    let cut_off = if drained { 0 } else { tasks.len() };
    context.kill.cancel();
    tasks.wait().await;
    Drained { cut_off }
}

/// Takes connections for ever.
async fn accept(listener: &TcpListener, context: &Context, tasks: &TaskTracker) {
    let slots = Arc::new(Semaphore::new(context.limits.max_connections.min(Semaphore::MAX_PERMITS)));
    loop {
        // Taken before the connection: those that find none wait in the kernel's queue.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                tasks.spawn(connection(stream, peer, context.clone(), slot));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, context: Context, _slot: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    // The kernel ends a connection whose other side takes nothing for so long.
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(context.limits.answer));
    let serve = async {
        match &context.tls {
            None => http(stream, peer, &context).await,
            Some(tls) => match timeout(context.limits.handshake, tls.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => http(stream, peer, &context).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    };
    tokio::select! {
        () = serve => {}
        () = context.kill.cancelled() => {}
    }
}

async fn http(stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr, context: &Context) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let mut router = context.router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        Box::pin(async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(context.limits.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
        () = context.stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    match ended {
        Ok(()) => linger(connection.into_parts().io.into_inner(), context).await,
        Err(error) => tracing::debug!(%peer, %error, "connection ended"),
    }
}

/// Says that there will be no more, and lets the caller finish: a connection closed with bytes of a refused body
/// unread would be reset, and the caller would never see why.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, context: &Context) {
    if stream.shutdown().await.is_err() || context.stop.is_cancelled() {
        return;
    }
    let mut sink = [0; 8 * 1024];
    let read = async { while let Ok(1..) = stream.read(&mut sink).await {} };
    let _ = timeout(LINGER, read).await;
}
