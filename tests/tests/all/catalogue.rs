//! Publishing: by whom, once, and never more than the uniform matter needs.

use crate::world::*;
use exchange_proto::v1::{self, catalogue_service_client::CatalogueServiceClient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing() {
    let world = World::with_catalogue("catalogue").await;
    types_and_matters(&world).await;
    implementations(&world).await;
    lists(&world).await;
    world.step("published").await;
}

async fn types_and_matters(world: &World) {
    let mut province = world.catalogue(PROVINCE).await;
    let mut city = world.catalogue(JINAN).await;
    let get = v1::GetCertificateTypeRequest { type_code: DEED.into(), version: 0 };
    let kind = city.get_certificate_type(get).await.unwrap().into_inner();
    assert_eq!((kind.version, kind.name.as_str()), (1, "不动产权证书"));
    let publish = |certificate_type: v1::CertificateType| v1::PublishCertificateTypeRequest {
        request_id: request_id(),
        certificate_type: Some(certificate_type),
        validate_only: false,
    };
    refused(city.publish_certificate_type(publish(kind.clone())).await, "NOT_PROVINCE");
    refused(province.publish_certificate_type(publish(kind.clone())).await, "VERSION_EXISTS");
    let mut system = CatalogueServiceClient::new(world.system(PROVINCE).await);
    refused(system.publish_certificate_type(publish(kind.clone())).await, "CALLER_NOT_ALLOWED");
    let mut guest = CatalogueServiceClient::new(world.channel_of(PROVINCE, JINAN, "admin").await);
    refused(guest.publish_certificate_type(publish(kind.clone())).await, "CALLER_NOT_ALLOWED");
    let mut twice = kind.clone();
    twice.version = 2;
    twice.fields.push(twice.fields[0].clone());
    let (found, _) = refused(province.publish_certificate_type(publish(twice)).await, "FIELD_INVALID");
    assert!(found.contains("CZZT twice"), "{found}");

    // Checked alone: nothing is written.
    let next = v1::CertificateType { version: 2, ..kind };
    let only = v1::PublishCertificateTypeRequest { validate_only: true, ..publish(next.clone()) };
    let before = world.size(PROVINCE);
    assert!(province.publish_certificate_type(only).await.unwrap().into_inner().position.is_none());
    assert_eq!(world.size(PROVINCE), before);
    let request = publish(next);
    let first = province.publish_certificate_type(request.clone()).await.unwrap().into_inner();
    let again = province.publish_certificate_type(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.version, &first.position), (2, &again.position), "the same request is the same publication");
    let mut other = request;
    other.certificate_type.as_mut().unwrap().name.push('二');
    refused(province.publish_certificate_type(other).await, "REQUEST_ID_REUSED");
    world.step("a second version").await;
    // Certificates name the version that they were issued under; without one the newest.
    let newest = v1::GetCertificateTypeRequest { type_code: DEED.into(), version: 0 };
    until("Jinan knows the second version", async || {
        city.get_certificate_type(newest.clone()).await.unwrap().into_inner().version == 2
    })
    .await;
    let old = v1::IssueCertificateRequest { type_version: 1, ..deed(JINAN, &Person::new(0, 1)) };
    assert_eq!(world.issue(JINAN, old).await.type_version, 1);
    assert_eq!(world.issue(JINAN, deed(JINAN, &Person::new(0, 2))).await.type_version, 2);

    let get = v1::GetMatterRequest { matter_code: WITHDRAWAL.into(), version: 0, region: String::new() };
    let matter = city.get_matter(get).await.unwrap().into_inner().matter.unwrap();
    let publish = v1::PublishMatterRequest { request_id: request_id(), matter: Some(matter), validate_only: false };
    refused(city.publish_matter(publish.clone()).await, "NOT_PROVINCE");
    refused(province.publish_matter(publish).await, "VERSION_EXISTS");
}

/// Attack 16a: an implementation that asks for more than the uniform matter is refused, and the difference is named.
async fn implementations(world: &World) {
    let mut jinan = world.catalogue(JINAN).await;
    let mut qingdao = world.catalogue(QINGDAO).await;
    let get = v1::GetMatterRequest { matter_code: WITHDRAWAL.into(), version: 0, region: JINAN.into() };
    let view = jinan.get_matter(get).await.unwrap().into_inner();
    assert_eq!(view.implementation_state(), v1::ImplementationState::InForce);
    let good = v1::Implementation { version: 2, province_position: None, ..view.implementation.unwrap() };
    let publish = |implementation: v1::Implementation| v1::PublishImplementationRequest {
        request_id: request_id(),
        implementation: Some(implementation),
        validate_only: false,
    };
    let old = v1::Implementation { version: 1, ..good.clone() };
    refused(jinan.publish_implementation(publish(old)).await, "VERSION_EXISTS");
    let (found, _) = refused(qingdao.publish_implementation(publish(good.clone())).await, "ISSUER_NOT_CALLERS");
    assert!(found.contains(JINAN), "{found}");

    let mut greedy = good.clone();
    greedy.materials[0].fields.push("KZ_MJ".into());
    let (found, _) = refused(jinan.publish_implementation(publish(greedy)).await, "NOT_UNIFORM");
    assert!(found.contains("KZ_MJ"), "the difference is not named: {found}");
    let mut longer = good.clone();
    longer.statutory_limit.as_mut().unwrap().amount += 1;
    refused(jinan.publish_implementation(publish(longer)).await, "NOT_UNIFORM");
    let mut relation = good.clone();
    relation.materials[0].relations.push(v1::RelationAllowed { relation: 6 });
    refused(jinan.publish_implementation(publish(relation)).await, "NOT_UNIFORM");
    let unknown = v1::Implementation { matter_version: 9, ..good.clone() };
    refused(jinan.publish_implementation(publish(unknown)).await, "MATTER_UNKNOWN");
    let index = world.size(PROVINCE) + 1_000;
    let ahead = v1::LogPosition { region: PROVINCE.into(), epoch: 1, index };
    let ahead = v1::Implementation { province_position: Some(ahead), ..good.clone() };
    refused(jinan.publish_implementation(publish(ahead)).await, "PROVINCE_BEHIND");
    // Better for the applicant: one field less is allowed, and withheld from then on.
    let mut modest = good;
    modest.materials[0].fields.retain(|name| name != "KZ_QLR");
    jinan.publish_implementation(publish(modest)).await.unwrap();
    let owner = Person::new(0, 3);
    let flat = world.issue(JINAN, deed(JINAN, &owner)).await;
    world.step("a better implementation").await;
    let get = v1::GetMatterRequest { matter_code: WITHDRAWAL.into(), version: 0, region: JINAN.into() };
    until("it counts in Jinan", async || {
        let view = jinan.get_matter(get.clone()).await.unwrap().into_inner();
        view.implementation.is_some_and(|one| one.version == 2)
    })
    .await;
    let request = lookup(question(JINAN, &owner, v1::Relation::Self_), &flat.certificate_id, &["KZ_ZL", "KZ_QLR"]);
    let answer = world.look_up(YANTAI, request).await.unwrap().into_inner();
    assert_eq!(answer.withheld_fields, ["KZ_QLR"]);
}

async fn lists(world: &World) {
    let mut client = world.catalogue(YANTAI).await;
    let mut codes = Vec::new();
    let mut request = v1::ListCertificateTypesRequest { page_size: 4, page_token: String::new() };
    loop {
        let page = client.list_certificate_types(request.clone()).await.unwrap().into_inner();
        codes.extend(page.certificate_types.into_iter().map(|kind| kind.type_code));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(codes.len(), 9);
    assert!(codes.is_sorted());
    let all = v1::ListMattersRequest { page_size: 0, page_token: String::new(), region: QINGDAO.into() };
    let matters = client.list_matters(all).await.unwrap().into_inner().matters;
    assert_eq!(matters.len(), 6);
    assert!(matters.iter().all(|one| one.implementation_state() == v1::ImplementationState::InForce));
}
