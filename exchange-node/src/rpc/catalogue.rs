//! `CatalogueService`: parse, one call, encode.

use super::{Services, services::enter};
use crate::{
    catalogue::{Item, KnownMatter},
    refusal::Refusal,
};
use exchange_core::{reason::Reason, region::Region};
use exchange_proto::{
    catalogue as convert, certificate,
    v1::{self, catalogue_service_server::CatalogueService},
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl CatalogueService for Services {
    async fn publish_certificate_type(
        &self,
        request: Request<v1::PublishCertificateTypeRequest>,
    ) -> Result<Response<v1::Published>, Status> {
        let (caller, message) = enter(request)?;
        let item = message.certificate_type.ok_or_else(|| missing("certificate_type"))?;
        let item = Item::CertificateType(Box::new(convert::certificate_type(item).map_err(Refusal::from)?));
        self.publish(&caller, &message.request_id, item, message.validate_only).await
    }

    async fn publish_matter(
        &self,
        request: Request<v1::PublishMatterRequest>,
    ) -> Result<Response<v1::Published>, Status> {
        let (caller, message) = enter(request)?;
        let item = message.matter.ok_or_else(|| missing("matter"))?;
        let item = Item::Matter(Box::new(convert::matter(item).map_err(Refusal::from)?));
        self.publish(&caller, &message.request_id, item, message.validate_only).await
    }

    async fn publish_implementation(
        &self,
        request: Request<v1::PublishImplementationRequest>,
    ) -> Result<Response<v1::Published>, Status> {
        let (caller, message) = enter(request)?;
        let item = message.implementation.ok_or_else(|| missing("implementation"))?;
        let item = Item::Implementation(Box::new(convert::implementation(item).map_err(Refusal::from)?));
        self.publish(&caller, &message.request_id, item, message.validate_only).await
    }

    async fn get_certificate_type(
        &self,
        request: Request<v1::GetCertificateTypeRequest>,
    ) -> Result<Response<v1::CertificateType>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let version = (message.version != 0).then_some(message.version);
        let found = self.lookup.catalogue.certificate_type(&message.type_code, version)?;
        let found = found.ok_or_else(|| unknown(Reason::TypeUnknown, &message.type_code, "a published type"))?;
        Ok(Response::new(convert::encode_certificate_type(&found)))
    }

    async fn list_certificate_types(
        &self,
        request: Request<v1::ListCertificateTypesRequest>,
    ) -> Result<Response<v1::ListCertificateTypesResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let codes = self.lookup.store.type_codes().map_err(Refusal::from)?;
        let (page, next_page_token) = page(codes, message.page_size, &message.page_token)?;
        let mut certificate_types = Vec::new();
        for code in page {
            let found = self.lookup.catalogue.certificate_type(&code, None)?;
            certificate_types.extend(found.map(|found| convert::encode_certificate_type(&found)));
        }
        Ok(Response::new(v1::ListCertificateTypesResponse { certificate_types, next_page_token }))
    }

    async fn get_matter(&self, request: Request<v1::GetMatterRequest>) -> Result<Response<v1::MatterView>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let version = (message.version != 0).then_some(message.version);
        let found = self.lookup.catalogue.matter(&message.matter_code, version)?;
        let found = found.ok_or_else(|| unknown(Reason::MatterUnknown, &message.matter_code, "a published matter"))?;
        Ok(Response::new(self.matter_view(&found, &message.region)?))
    }

    async fn list_matters(
        &self,
        request: Request<v1::ListMattersRequest>,
    ) -> Result<Response<v1::ListMattersResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let codes = self.lookup.store.matter_codes().map_err(Refusal::from)?;
        let (page, next_page_token) = page(codes, message.page_size, &message.page_token)?;
        let mut matters = Vec::new();
        for code in page {
            if let Some(found) = self.lookup.catalogue.matter(&code, None)? {
                matters.push(self.matter_view(&found, &message.region)?);
            }
        }
        Ok(Response::new(v1::ListMattersResponse { matters, next_page_token }))
    }
}

impl Services {
    async fn publish(
        &self,
        caller: &super::Caller,
        request_id: &str,
        item: Item,
        validate_only: bool,
    ) -> Result<Response<v1::Published>, Status> {
        let request_id = certificate::request_id(request_id).map_err(Refusal::from)?;
        let published = self.publishing.publish(caller, request_id, item, validate_only).await?;
        Ok(Response::new(v1::Published {
            code: published.code,
            version: published.version,
            position: published.position.map(certificate::encode_position),
        }))
    }

    fn matter_view(&self, found: &KnownMatter, region: &str) -> Result<v1::MatterView, Status> {
        let mut view = v1::MatterView {
            matter: Some(convert::encode_matter(&found.matter)),
            position: Some(certificate::encode_position(found.position)),
            ..Default::default()
        };
        if !region.is_empty() {
            let region = Region::parse(region).map_err(|_| unknown(Reason::FieldInvalid, region, "a region"))?;
            let code = found.matter.matter_code.as_str();
            if let Some(known) = self.lookup.catalogue.implementation(region, code)? {
                view.implementation = Some(convert::encode_implementation(&known.implementation));
                view.implementation_state = known.state as i32;
                view.void_reason.clone_from(&known.void_reason);
            }
        }
        Ok(view)
    }
}

/// One page of sorted codes; the token is the first code of the next page. Codes never go away, so any other token is none.
fn page(codes: Vec<String>, size: u32, token: &str) -> Result<(Vec<String>, String), Status> {
    if !token.is_empty() && !codes.iter().any(|code| code == token) {
        let (found, needed) = ("a page token of another list", "the token of the last page");
        return Err(unknown(Reason::PageTokenInvalid, found, needed));
    }
    let size = if size == 0 { 100 } else { size.min(1_000) } as usize;
    let mut rest = codes.into_iter().skip_while(|code| code.as_str() < token);
    let page: Vec<String> = rest.by_ref().take(size).collect();
    Ok((page, rest.next().unwrap_or_default()))
}

fn missing(field: &str) -> Status {
    Refusal::from(exchange_proto::Error::missing(field)).into()
}

fn unknown(reason: Reason, found: &str, needed: &str) -> Status {
    Refusal::caller(reason, found, needed).into()
}
