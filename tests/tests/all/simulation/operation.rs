//! What a simulation does, one after another. A list of them is printed when it fails, as it has to be written to be run
//! again.

use crate::world::{JINAN, PROVINCE, QINGDAO, Seeded, YANTAI};
use exchange_node::crash::Point;
use exchange_tests::faults::{Edge, MessageFault, Trigger, trigger};

pub(super) type Code = &'static str;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    /// A licence, or a deed of somebody.
    Issue { at: Code },
    /// A licence with files.
    IssueFile { at: Code },
    /// The newest revision of a certificate is replaced.
    Revise { at: Code },
    /// A licence is revoked, or restored by a decision.
    ChangeStatus { at: Code },
    /// The next version of an implementation.
    Publish { at: Code },
    /// A window of one city asks about a certificate of another.
    LookUp { at: Code, of: Code },
    /// A window of one city fetches the file of a certificate of another.
    Fetch { at: Code, of: Code },
    /// Somebody is searched for.
    Find { at: Code },
    /// A question about somebody who is not the holder.
    Stranger { at: Code, of: Code },
    /// Somebody tries what the credential is not entitled to.
    Impostor { at: Code },
    /// A request id again, with another body.
    OtherBody { at: Code },
    /// Calls that got no answer are made again.
    AskAgain,
    /// A call or a record meets a fault. `from` is the asking city between nodes, and nobody else's business.
    Message { edge: Edge, fault: MessageFault, from: Code, to: Code },
    /// The node stops at the `nth` pass from now on; with `power`, what was not synced is lost too.
    Crash { at: Code, point: Point, nth: u64, power: bool },
    /// The node ends at once.
    Kill { at: Code, power: bool },
    /// It is started again.
    Restart { at: Code },
    /// SIGTERM while calls are under way; it is started again.
    Drain { at: Code },
    /// No other node and no broker reaches it, and it reaches none.
    Partition { at: Code },
    /// No other node reaches it; the broker does.
    CutCalls { at: Code },
    /// All do again.
    Heal { at: Code },
    /// The broker takes and gives nothing, or does again.
    Broker { down: bool },
    /// Every record is lost; an empty cluster stands in its place.
    LoseBroker,
    /// An older copy of a node's folder is put back, and later the newest one.
    RestoreOldCopy { at: Code },
    /// A node's clock is moved.
    SkewClock { at: Code, seconds: i64 },
    /// A node audits the access checkpoints that it was shown.
    Audit { at: Code },
    /// The silent city's log goes on.
    Say,
    /// The silent city's log contradicts itself.
    Fork,
}

/// Cities of a simulation, and the province.
pub(super) const TWO: [Code; 3] = [PROVINCE, JINAN, QINGDAO];
pub(super) const THREE: [Code; 4] = [PROVINCE, JINAN, QINGDAO, YANTAI];

impl Operation {
    /// One by lot. Of each four about two are what clients do, so that faults meet something.
    pub(super) fn draw(lot: &mut Seeded, nodes: &[Code]) -> Self {
        let cities = &nodes[1..];
        let city = |lot: &mut Seeded| pick(lot, cities);
        let two = |lot: &mut Seeded| {
            let at = pick(lot, cities);
            let others: Vec<Code> = cities.iter().copied().filter(|one| *one != at).collect();
            (at, pick(lot, &others))
        };
        match lot.below(64) {
            0..=9 => Self::Issue { at: city(lot) },
            10..=11 => Self::IssueFile { at: city(lot) },
            12..=14 => Self::Revise { at: city(lot) },
            15..=18 => Self::ChangeStatus { at: city(lot) },
            19 => Self::Publish { at: city(lot) },
            20..=23 => {
                let (at, of) = two(lot);
                Self::LookUp { at, of }
            }
            24..=25 => {
                let (at, of) = two(lot);
                Self::Fetch { at, of }
            }
            26 => Self::Find { at: city(lot) },
            27 => {
                let (at, of) = two(lot);
                Self::Stranger { at, of }
            }
            28 => Self::Impostor { at: city(lot) },
            29 => Self::OtherBody { at: city(lot) },
            30..=32 => Self::AskAgain,
            33..=42 => {
                let edge = pick(lot, &Edge::ALL);
                let faults: Vec<MessageFault> =
                    MessageFault::ALL.into_iter().filter(|one| one.applies_to(edge)).collect();
                let (from, to) = two(lot);
                Self::Message { edge, fault: pick(lot, &faults), from, to }
            }
            43..=50 => {
                let (point, nth) = (pick(lot, &Point::ALL), 1 + lot.below(2) * lot.below(3));
                Self::Crash { at: pick(lot, nodes), point, nth, power: lot.below(2) == 0 }
            }
            51..=52 => Self::Kill { at: pick(lot, nodes), power: lot.below(2) == 0 },
            53..=55 => Self::Restart { at: pick(lot, nodes) },
            56 => Self::Drain { at: city(lot) },
            57 if lot.below(2) == 0 => Self::CutCalls { at: city(lot) },
            57 => Self::Partition { at: city(lot) },
            58 => Self::Heal { at: city(lot) },
            59 => Self::Broker { down: lot.below(2) == 0 },
            60 => Self::LoseBroker,
            61 => match lot.below(3) {
                0 => Self::RestoreOldCopy { at: city(lot) },
                _ => Self::Say,
            },
            62 => Self::SkewClock { at: pick(lot, nodes), seconds: i64::try_from(lot.below(240)).unwrap() - 120 },
            _ => Self::Audit { at: city(lot) },
        }
    }
}

impl Operation {
    /// What brings a node to the point where it is to stop.
    pub(super) fn bait(self, lot: &mut Seeded, nodes: &[Code]) -> Option<Self> {
        let Self::Crash { at, point, .. } = self else { return None };
        let others: Vec<Code> = nodes[1..].iter().copied().filter(|one| *one != at).collect();
        let other = pick(lot, &others);
        match trigger(point) {
            Trigger::Issue => Some(Self::Issue { at }).filter(|_| at != nodes[0]),
            Trigger::IssueFile => Some(Self::IssueFile { at }).filter(|_| at != nodes[0]),
            Trigger::IssueElsewhere => Some(Self::Issue { at: other }),
            Trigger::Ask => Some(Self::LookUp { at, of: other }).filter(|_| at != nodes[0]),
            Trigger::Asked => Some(Self::LookUp { at: other, of: at }).filter(|_| at != nodes[0]),
            Trigger::Fork => Some(Self::Say),
        }
    }
}

pub(super) fn pick<T: Copy>(lot: &mut Seeded, from: &[T]) -> T {
    from[usize::try_from(lot.below(from.len() as u64)).unwrap()]
}
