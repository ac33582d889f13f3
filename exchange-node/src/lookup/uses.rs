//! 用证记录: who read what of a holder's certificates that this city keeps, and who took it out in an export.

use super::Lookup;
use crate::{access::ReadRecord, refusal::Refusal, tls::Caller};
use exchange_core::{holder::Holder, reason::Reason};
use std::collections::BTreeSet;

/// One record about the holder.
#[derive(Debug)]
pub struct Use {
    /// Epoch of the access log.
    pub epoch: u32,
    /// Index in it.
    pub index: u64,
    /// What was recorded.
    pub record: ReadRecord,
}

/// A page of them, oldest first.
#[derive(Debug)]
pub struct UsesPage {
    /// At most as many as asked.
    pub uses: Vec<Use>,
    /// Where the next page begins.
    pub next: Option<(u32, u64)>,
}

impl Lookup {
    /// Records about a holder from a position on.
    ///
    /// # Errors
    /// Not an operator, or the store fails.
    pub fn uses(&self, caller: &Caller, holder: &Holder, from: (u32, u64), most: usize) -> Result<UsesPage, Refusal> {
        self.policy.may_operate(caller)?;
        let mut positions = BTreeSet::new();
        for code in self.store.type_codes()? {
            for (_, tag) in self.party_tags(&code, holder)? {
                positions.extend(self.store.uses(&tag.bytes, from, most + 1)?);
            }
        }
        let mut uses = Vec::new();
        let mut next = None;
        for (epoch, index) in positions {
            if uses.len() == most {
                next = Some((epoch, index));
                break;
            }
            let record = self.access.read(epoch, index)?;
            uses.push(Use { epoch, index, record });
        }
        Ok(UsesPage { uses, next })
    }
}

/// Reads `epoch/index` of a page token.
///
/// # Errors
/// Not a token of this list.
pub fn page_token(token: &str) -> Result<(u32, u64), Refusal> {
    if token.is_empty() {
        return Ok((0, 0));
    }
    token.split_once('/').and_then(|(epoch, index)| Some((epoch.parse().ok()?, index.parse().ok()?))).ok_or_else(|| {
        Refusal::caller(Reason::PageTokenInvalid, "a page token of another list", "the token of the last page")
    })
}
