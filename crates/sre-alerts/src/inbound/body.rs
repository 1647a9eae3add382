//! Reading a body: within its size, its time, and the room there is for all bodies.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;
use super::rejection::{Rejection, RejectionKind};

/// The room for all bodies, in bytes. A slow sender holds as much as it has sent, not as much as it may send.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A body, and the room it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

// === impl Room ===

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Rejection> {
        let full = || Rejection::busy("no room for another body");
        let bytes = u32::try_from(bytes).map_err(|_| full())?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| full())
    }

    /// Reads a body to its end.
    pub(super) async fn read(&self, body: Body, limits: &Limits) -> Result<Held, Rejection> {
        let too_large = || Rejection::new(RejectionKind::TooLarge, format!("more than {} bytes", limits.max_body));
        if body.size_hint().lower() > limits.max_body as u64 {
            return Err(too_large());
        }
        match tokio::time::timeout(limits.body, self.collect(body, limits.max_body)).await {
            Ok(Ok(Some(held))) => Ok(held),
            Ok(Ok(None)) => Err(too_large()),
            Ok(Err(rejection)) => Err(rejection),
            Err(_) => Err(Rejection::new(RejectionKind::Timeout, "the body did not arrive in time")),
        }
    }

    /// The body, or nothing when it is longer than `max`.
    async fn collect(&self, mut body: Body, max: usize) -> Result<Option<Held>, Rejection> {
        let mut held = Held { bytes: Vec::new(), _room: None };
        while let Some(frame) = body.frame().await {
            let broken = |_| Rejection::new(RejectionKind::Malformed, "the body broke off");
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            if held.bytes.len() + data.len() > max {
                return Ok(None);
            }
            let room = self.take(data.len())?;
            match &mut held._room {
                Some(all) => all.merge(room),
                none => *none = Some(room),
            }
            held.bytes.extend_from_slice(&data);
        }
        Ok(Some(held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_body: usize) -> Limits {
        Limits { max_body, ..Limits::default() }
    }

    #[tokio::test]
    async fn room_is_taken_and_given_back() {
        let room = Room::new(10);
        let held = room.read(Body::from("12345678"), &limits(8)).await.unwrap();
        assert_eq!(held.bytes, b"12345678");
        let busy = room.read(Body::from("123"), &limits(8)).await.unwrap_err();
        assert_eq!(busy.kind(), RejectionKind::Busy);
        drop(held);
        assert!(room.read(Body::from("123"), &limits(8)).await.is_ok());
        assert_eq!(room.0.available_permits(), 10);
    }

    #[tokio::test]
    async fn what_is_too_large_is_not_read() {
        let large = Room::new(100).read(Body::from("123456789"), &limits(8)).await.unwrap_err();
        assert_eq!(large.kind(), RejectionKind::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_ends() {
        let never = Body::new(http_body_util::StreamBody::new(futures()));
        let late = Room::new(100).read(never, &limits(8)).await.unwrap_err();
        assert_eq!(late.kind(), RejectionKind::Timeout);
    }

    fn futures() -> impl futures_util::Stream<Item = Result<hyper::body::Frame<hyper::body::Bytes>, std::io::Error>> {
        futures_util::stream::pending()
    }
}
