//! Receivers by number: an alert keeps one bit for each.

/// The number of a receiver in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ReceiverId(pub(super) u8);

/// A set of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Receivers(u64);

/// One bit each.
pub(super) const MOST: usize = 64;

impl Receivers {
    pub(super) fn has(self, id: ReceiverId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    pub(super) fn insert(&mut self, id: ReceiverId) {
        self.0 |= Self::bit(id);
    }

    pub(super) fn remove(&mut self, id: ReceiverId) {
        self.0 &= !Self::bit(id);
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(id: ReceiverId) -> u64 {
        1 << (u32::from(id.0) % 64)
    }
}
