//! After the first notification: reminders while it fires, and the word that it is over.

use std::time::Duration;

use super::moment::Moment;

/// What a receiver knows of an alert that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was told that it fires, or is just being told: it is told that it is over, afterwards.
    Tell,
    /// It was never told: nothing is said.
    Forget,
}

/// When the next reminder is due.
pub(crate) fn reminder(last_sent: Moment, repeat: Duration) -> Moment {
    last_sent + repeat
}

/// Whether a receiver hears that an alert is over: only if it heard that it fires.
pub(crate) fn ending(told: bool, being_told: bool) -> Ending {
    if told || being_told { Ending::Tell } else { Ending::Forget }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_heard_of_it_hears_the_end() {
        for (told, being_told, expected) in [
            (false, false, Ending::Forget),
            (true, false, Ending::Tell),
            (false, true, Ending::Tell),
            (true, true, Ending::Tell),
        ] {
            assert_eq!(ending(told, being_told), expected);
        }
    }

    #[test]
    fn reminders_keep_their_distance() {
        assert_eq!(reminder(Moment(1000), Duration::from_secs(4)), Moment(5000));
    }
}
