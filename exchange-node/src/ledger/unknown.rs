//! A panic in the middle of a group: what it was committing may be written or not, as with a commit that fails.

use tokio::sync::watch;

/// Says so when the writer's thread unwinds. It has to be dropped before the commands are, with what they hold: whoever
/// sees a pin gone has to see this first.
pub(super) struct UnknownAfterPanic(watch::Sender<bool>);

impl UnknownAfterPanic {
    pub(super) const fn new(failed: watch::Sender<bool>) -> Self {
        Self(failed)
    }
}

impl Drop for UnknownAfterPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the ledger panicked: the outcome of its commit is unknown, the node has to restart");
            self.0.send_replace(true);
        }
    }
}

#[cfg(all(test, feature = "test-util"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use crate::{
        indexer::tests::city::{City, jinan},
        ledger::{Command, Decision, Error, View},
        refusal::Refusal,
        store::{Key, Space},
    };
    use std::sync::{Arc, Mutex};
    use tokio::sync::watch;

    /// What a command holds until it is dropped, as an issue holds its pins: was the failure known by then?
    struct Held {
        failed: watch::Receiver<bool>,
        known: Arc<Mutex<Vec<bool>>>,
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.known.lock().unwrap().push(*self.failed.borrow());
        }
    }

    struct Panics(#[allow(dead_code, reason = "dropped")] Held);

    impl Command for Panics {
        fn reads(&self, _: &mut Vec<(Space, Key)>) {}

        fn decide(&self, _: &View<'_>) -> Result<Decision, Refusal> {
            panic!("a fault of the program")
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_unknown_outcome_before_anything_is_let_go() {
        let city = City::new(jinan());
        let known = Arc::new(Mutex::new(Vec::new()));
        let held = Held { failed: city.ledger.failed(), known: Arc::clone(&known) };
        let answer = city.ledger.submit(Panics(held)).await;
        assert!(matches!(answer, Err(Error::OutcomeUnknown)), "{answer:?}");
        assert!(*city.ledger.failed().borrow());
        assert_eq!(*known.lock().unwrap(), [true], "what the command held was let go before the failure was known");
    }
}
