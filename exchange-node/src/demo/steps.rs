//! The steps, in the order in which they are shown.

mod carrier;
mod certificates;
mod crash;
mod licences;
mod questions;
mod setup;

use super::{print::Printer, world::World};

/// All of them; the first that fails ends the demo.
pub(super) async fn all(world: &mut World, printer: &mut Printer) {
    printer
        .step("a root, city CAs, credentials, log keys and a signed trust bundle are made", setup::province(world))
        .await;
    printer
        .step(
            "four nodes start: 山东省, 济南, 青岛, 烟台; each compares its log with two others before it writes",
            setup::nodes(world),
        )
        .await;
    printer
        .step(
            "the province publishes certificate types and uniform matters, the cities their implementations",
            setup::catalogue(world),
        )
        .await;
    printer.step("济南 imports 1,000 rows of a licence library", certificates::import(world)).await;
    printer
        .step(
            "济南 issues a marriage certificate 结婚证 by gRPC, and the same request again",
            certificates::marriage(world),
        )
        .await;
    printer.step("青岛 finds the flat's deed for matter 住房公积金购房提取, party SELF", questions::find(world)).await;
    printer.step("青岛 → 济南  不动产权证书 looked up field by field, party SELF", questions::deed(world)).await;
    printer.step("青岛 → 济南  结婚证 looked up, party SPOUSE", questions::spouse(world)).await;
    printer
        .step("both receipts of the last answer, verified with the bundle's keys alone", questions::receipts(world))
        .await;
    printer
        .step("青岛 verifies the deed without asking 济南; one altered byte is not genuine", questions::verify(world))
        .await;
    printer.step("refused: a question without a case", questions::no_case(world)).await;
    printer.step("refused: a field that the matter does not need", questions::field_too_many(world)).await;
    printer.step("refused: a neighbour's deed 邻居的不动产权证书", questions::neighbour(world)).await;
    printer
        .step(
            "refused: a stranger's credential, and a system whose credential was withdrawn",
            questions::credentials(world),
        )
        .await;
    printer.step("济南 revokes 吊销 a licence; 烟台 sees it on a watch stream", certificates::revoke(world)).await;
    printer
        .step(
            "the broker is lost, and replaced by an empty one through a reload of the configuration",
            carrier::lost(world),
        )
        .await;
    printer.step("济南's node is killed in the middle of 1,000 issues, and started again", crash::killed(world)).await;
    printer
        .step("the carrier alters a segment of 淄博: it is no fork, and the feed goes on", carrier::altered(world))
        .await;
    printer
        .step("淄博's log key signs two histories: its feed stops, the evidence is kept", carrier::forked(world))
        .await;
    printer
        .step(
            "济南's departments get electronic seals 电子印章 (SM2), and a 营业执照 is issued with its sealed OFD",
            licences::issue(world),
        )
        .await;
    printer
        .step(
            "烟台 fetches the OFD for matter 食品经营许可 and judges it offline; one altered character is refused",
            licences::judge(world),
        )
        .await;
    printer
        .step(
            "烟台 gets a copy for one use 加注件, sealed anew, and uses it; 青岛 comes too late with the same copy",
            licences::copy(world),
        )
        .await;
}
