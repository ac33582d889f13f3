//! Copies for one use (加注件) that this node has made: using one, and forgetting them.
//!
//! The rule is [`exchange_core::copy::decide`]; the ledger applies it to the row as it stands when the request's turn comes,
//! one after the other, and the mark is durable before anybody is told. So of all who present a copy one is told that it is
//! used now, whatever stops in between; who lost that answer asks again with the same key.

mod sweep;

pub use sweep::Sweep;

use crate::{
    issuing::record,
    ledger::{Answer, Changes, Command, Decision, Ledger, View},
    refusal::Refusal,
    store::{self, Key, Space, Store, Value, Write, keys, own},
    telemetry::COPIES_PRESENTED,
};
use exchange_core::{
    copy::{self, CopyNumber, Known, Moment, Outcome, Presented, Used},
    date::Date,
    region::Region,
};
use exchange_proto::{
    copy::{self as convert, CopyMade},
    store as row, v1,
};

/// A copy that is presented to be used.
struct Use {
    home: Region,
    number: CopyNumber,
    presented: Presented,
}

/// Uses a copy that this node has made; durable when it says so.
///
/// # Errors
/// The ledger refuses: a node that may not write uses nothing.
pub async fn use_copy(
    ledger: &Ledger,
    store: &Store,
    number: CopyNumber,
    presented: Presented,
) -> Result<v1::UseCopyResponse, Refusal> {
    let broken = |problem: String| store::Error::Row { space: Space::Copies.name(), problem };
    let answer = match ledger.submit(Use { home: store.home, number, presented }).await? {
        Answer::Committed(_) => {
            let made = store.copy(&number)?.ok_or_else(|| broken("a copy that was used is not there".to_owned()))?;
            let at_ms = made.known.used.as_ref().map_or(0, |used| used.at_ms);
            convert::encode_outcome(&Outcome::UsedNow(at_ms), Some(&made))
        }
        Answer::Earlier(said) => convert::decode_answer(&said).map_err(|error| broken(error.to_string()))?,
    };
    metrics::counter!(COPIES_PRESENTED, "result" => word(answer.result())).increment(1);
    Ok(answer)
}

/// Stable word of a result, in metrics and for people who read logs.
pub const fn word(result: v1::CopyUse) -> &'static str {
    match result {
        v1::CopyUse::Unspecified => "UNSPECIFIED",
        v1::CopyUse::UsedNow => "USED_NOW",
        v1::CopyUse::AlreadyUsed => "ALREADY_USED",
        v1::CopyUse::Expired => "EXPIRED",
        v1::CopyUse::Unknown => "UNKNOWN",
        v1::CopyUse::Altered => "ALTERED",
        v1::CopyUse::Withdrawn => "WITHDRAWN",
    }
}

impl Use {
    fn row(&self) -> Key {
        self.number.bytes().to_vec()
    }

    fn certificate(&self) -> Key {
        keys::regional(self.home, self.presented.certificate_id.as_bytes())
    }
}

impl Command for Use {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push((Space::Copies, self.row()));
        keys.push((Space::Certificates, self.certificate()));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let made: Option<CopyMade> = view.row(Space::Copies, &self.row())?.map(own::copy_made).transpose()?;
        let certificate: Option<row::CertificateRow> = view
            .row(Space::Certificates, &self.certificate())?
            .map(|value| own::decode(Space::Certificates, value))
            .transpose()?;
        let today = day(view.now_ms());
        let status = certificate.map(|certificate| record::status_today(&certificate, today));
        let moment = Moment { epoch: view.next_event().epoch, status, today };
        let outcome = copy::decide(made.as_ref().map(|made| &made.known), &self.presented, moment);
        let (Outcome::Use, Some(made)) = (&outcome, &made) else {
            let said = convert::encode_outcome(&outcome, made.as_ref());
            return Ok(Decision::Earlier(Value::from(convert::encode_answer(&said))));
        };
        let used = Used { at_ms: view.now_ms(), region: self.presented.region, key: self.presented.key };
        let used = CopyMade { known: Known { used: Some(used), ..made.known.clone() }, ..made.clone() };
        let rows = vec![Write::put(Space::Copies, self.row(), convert::encode_row(&used))];
        Ok(Decision::Commit(Changes { rows, ..Changes::default() }))
    }
}

/// China's day.
fn day(now_ms: u64) -> Date {
    Date::from_unix_ms(i64::try_from(now_ms).unwrap_or(i64::MAX)).unwrap_or(Date::MAX)
}
