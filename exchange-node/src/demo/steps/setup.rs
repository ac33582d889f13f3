//! Province, nodes, catalogue.

use super::super::{
    host::Host,
    world::{JINAN, NODES, PROVINCE, QINGDAO, World, YANTAI, name, region},
};
use crate::{
    catalogue::{Item, file},
    practice::OPERATOR,
};
use anyhow::{Result, ensure};
use exchange_proto::{
    catalogue as convert,
    v1::{self, catalogue_service_client::CatalogueServiceClient},
};

const TYPES: &[u8] = include_bytes!("../../../../deploy/sample/catalogue/certificate-types.json");
const MATTERS: &[u8] = include_bytes!("../../../../deploy/sample/catalogue/matters.json");
const IMPLEMENTATIONS: [(&str, &[u8]); 3] = [
    (JINAN, include_bytes!("../../../../deploy/sample/catalogue/implementations-370100.json")),
    (QINGDAO, include_bytes!("../../../../deploy/sample/catalogue/implementations-370200.json")),
    (YANTAI, include_bytes!("../../../../deploy/sample/catalogue/implementations-370600.json")),
];

pub(super) async fn province(world: &mut World) -> Result<String> {
    world.make().await?;
    let credentials = std::fs::read_dir(&world.folder)?.count();
    ensure!(credentials > 0, "nothing was made");
    Ok(format!("5 regions, bundle 1 of series main, everything in {}", world.folder.display()))
}

pub(super) async fn nodes(world: &mut World) -> Result<String> {
    for code in NODES {
        let config = world.practice()?.config(region(code)?);
        let host = Host::start(config).await?;
        world.hosts.insert(region(code)?, host);
    }
    let mut addresses = Vec::new();
    for code in NODES {
        let end = world.clock.instant() + std::time::Duration::from_secs(15);
        loop {
            let status = world.status(code).await?;
            if status.writable {
                break;
            }
            ensure!(world.clock.instant() < end, "{} takes no writes: {}", name(code), status.read_only_reason);
            world.clock.sleep(std::time::Duration::from_millis(20)).await;
        }
        addresses.push(format!("{} {}", name(code), world.host(code)?.node()?.address()));
    }
    Ok(addresses.join(", "))
}

pub(super) async fn catalogue(world: &mut World) -> Result<String> {
    let mut types = 0;
    let mut matters = 0;
    let channel = world.channel(PROVINCE, OPERATOR).await?;
    let mut client = CatalogueServiceClient::new(channel);
    for item in file::parse("certificate-types.json", TYPES)?.into_iter().chain(file::parse("matters.json", MATTERS)?) {
        match item {
            Item::CertificateType(item) => {
                let request = v1::PublishCertificateTypeRequest {
                    request_id: world.request_id(),
                    certificate_type: Some(convert::encode_certificate_type(&item)),
                    validate_only: false,
                };
                client.publish_certificate_type(request).await?;
                types += 1;
            }
            Item::Matter(item) => {
                let request = v1::PublishMatterRequest {
                    request_id: world.request_id(),
                    matter: Some(convert::encode_matter(&item)),
                    validate_only: false,
                };
                client.publish_matter(request).await?;
                matters += 1;
            }
            Item::Implementation(_) => {}
        }
    }
    world.settled().await?;
    let mut implementations = 0;
    for (code, bytes) in IMPLEMENTATIONS {
        let mut client = CatalogueServiceClient::new(world.channel(code, OPERATOR).await?);
        for item in file::parse(code, bytes)? {
            if let Item::Implementation(item) = item {
                let request = v1::PublishImplementationRequest {
                    request_id: world.request_id(),
                    implementation: Some(convert::encode_implementation(&item)),
                    validate_only: false,
                };
                client.publish_implementation(request).await?;
                implementations += 1;
            }
        }
    }
    let entries = world.settled().await?;
    // What was published is in force everywhere, not only applied.
    for code in NODES {
        let mut client = CatalogueServiceClient::new(world.channel(code, OPERATOR).await?);
        let view = client
            .get_matter(v1::GetMatterRequest {
                matter_code: super::questions::MATTER.to_owned(),
                version: 0,
                region: QINGDAO.to_owned(),
            })
            .await?
            .into_inner();
        ensure!(
            view.implementation_state() == v1::ImplementationState::InForce,
            "{}: the implementation of 青岛 is {:?} {}",
            name(code),
            view.implementation_state(),
            view.void_reason
        );
    }
    Ok(format!("{types} types, {matters} matters, {implementations} implementations, {entries} entries on every node"))
}
