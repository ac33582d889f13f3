//! Rounds: the limit and the node in turn, so that what the machine does meanwhile meets both.

use crate::report::Figure;
use anyhow::Result;

/// Which side is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The bare one.
    Limit,
    /// The node.
    Node,
}

/// Measures both sides in each round, the side that begins changing, and adds what was measured to the figures; `measure`
/// gives one number per figure.
pub(crate) async fn alternate(
    rounds: u32,
    limit_only: bool,
    figures: &mut [Figure],
    mut measure: impl AsyncFnMut(Side) -> Result<Vec<f64>>,
) -> Result<()> {
    for round in 0..rounds {
        let order = if round % 2 == 0 { [Side::Limit, Side::Node] } else { [Side::Node, Side::Limit] };
        for side in order {
            if side == Side::Node && limit_only {
                continue;
            }
            for (figure, number) in figures.iter_mut().zip(measure(side).await?) {
                figure.add(side, number);
            }
        }
        eprint!(".");
    }
    eprintln!();
    Ok(())
}
