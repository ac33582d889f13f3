//! Putting a seal on a document: the package is copied, and gets the files of one signature more.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, Write},
};

use exchange_core::chain::Instant;
use ring::rand::SecureRandom;

use super::{
    Credential, Error, copy,
    der::{Made, bits, ia5, integer, octets, oid, sequence, time},
    describe::{self, Description},
    pages,
};
use crate::{
    certificate::Certificate,
    limits::{Limits, MAX_SIGNED_VALUE_BYTES},
    ofd::{self, ENTRY_FILE, Listed, Package},
    ses::{Seal, SealSignature, Version},
};

/// Where a seal is seen, millimetres from the upper left corner of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Counted from 1.
    pub page: usize,
    /// Of the left edge.
    pub x_mm: f64,
    /// Of the upper edge.
    pub y_mm: f64,
    /// Of the picture on the page.
    pub width_mm: f64,
    /// Of the picture on the page.
    pub height_mm: f64,
}

/// A seal about to be put on a document.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The seal, DER, v4 or v5.
    pub seal: &'a [u8],
    /// Who puts it on; the seal has to list this certificate.
    pub signer: &'a Credential,
    /// Where it is seen; at least one.
    pub places: &'a [Place],
    /// When, written to the second.
    pub at: Instant,
    /// Which document of the package, from 0. Most packages have one.
    pub document: usize,
    /// How much is read, and how large the stamped package may be.
    pub limits: Limits,
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The signature's id in `Signatures.xml`.
    pub id: String,
    /// Path of its `Signature.xml`.
    pub path: String,
    /// Files that it covers.
    pub covered: usize,
    /// Bytes of the stamped package.
    pub bytes: u64,
}

/// Copies a package to `out` and puts a seal on it. Every file is covered, except `Signatures.xml`, so that further seals
/// can follow; an earlier signature's files are covered by the later ones, and what it covers stays as it is. Entries
/// are copied as they are packed and hashed in pieces: memory does not grow with the file. Without ECDSA nothing random
/// is in the result.
///
/// # Errors
/// [`Error`]. What was written to `out` until then is of no use.
pub fn stamp<R: Read + Seek, W: Write>(
    package: R,
    out: W,
    stamp: &Stamp<'_>,
    random: &dyn SecureRandom,
) -> Result<Stamped, Error> {
    let seal = usable(stamp)?;
    let mut package = Package::open(package, stamp.limits)?;
    let plan = Plan::new(&mut package, stamp)?;
    let added = plan.sign(&mut package, stamp, &seal, random)?;
    let bytes = copy::write(&mut package, out, added.replaced, &added.new)?;
    Ok(Stamped { id: plan.id, path: plan.description, covered: added.covered, bytes })
}

/// Whether a verification would accept this seal by this signer at this time, as far as it is known here.
fn usable(stamp: &Stamp<'_>) -> Result<Seal, Error> {
    let refused = |detail: String| Error::Seal(detail);
    let seal = Seal::parse(stamp.seal).map_err(|e| refused(e.to_string()))?;
    if seal.version == Version::V1 {
        return Err(refused(format!("seals of {} are only read", seal.version.standard())));
    }
    let maker = Certificate::parse(&seal.maker).map_err(|e| refused(format!("the maker's certificate: {e}")))?;
    let algorithm = seal.algorithm().map_err(|e| refused(e.to_string()))?;
    let proven = stamp.signer.proven();
    proven.verify(algorithm, &maker.key, &seal.signed, &seal.signature).map_err(|e| refused(e.to_string()))?;
    if let Some(extension) = seal.extensions.iter().find(|extension| extension.critical) {
        return Err(refused(format!("it has the critical extension {}, which is not understood", extension.id)));
    }
    let signer = stamp.signer.certificate();
    if !seal.lists(&signer.der) {
        let name = crate::report::shown(&seal.name);
        return Err(Error::NotListed { seal: name, signer: signer.subject.clone() });
    }
    // Times are written to the second.
    let at = Instant(stamp.at.0 / 1000 * 1000);
    let from = seal.valid_from.max(seal.created);
    if at < from || at > seal.valid_to {
        return Err(Error::SealPeriod { from, to: seal.valid_to, at });
    }
    stamp.signer.counts(at)?;
    Ok(seal)
}

/// Where everything goes.
struct Plan {
    /// The signature's id.
    id: String,
    /// `Signatures.xml` with the signature in it, and the entry that it replaces.
    list: (String, Vec<u8>, Option<usize>),
    /// `OFD.xml`, if it changes.
    entry: Option<(usize, Vec<u8>)>,
    /// Path of `Signature.xml`.
    description: String,
    seal: String,
    value: String,
    annotations: Vec<pages::Annotation>,
    there: There,
}

/// What earlier signatures have of that which is limited for all of them together.
#[derive(Debug, Clone, Copy, Default)]
struct There {
    signatures: usize,
    bytes: u64,
    places: usize,
}

impl There {
    /// With one signature more.
    const fn and_new(self, places: usize, bytes: u64) -> Self {
        Self { signatures: self.signatures + 1, places: self.places + places, bytes: self.bytes + bytes }
    }

    fn within(self, limits: &Limits) -> Result<(), Error> {
        for (what, found, limit) in [
            ("signatures of the package", self.signatures as u64, limits.signatures as u64),
            ("places of all seals of the package", self.places as u64, limits.all_places as u64),
            ("all descriptions of signatures in bytes", self.bytes, limits.described_bytes),
        ] {
            if found > limit {
                return Err(Error::TooLarge { what, found, limit });
            }
        }
        Ok(())
    }
}

/// The files of the signature, made.
struct Added {
    /// New content of entries.
    replaced: BTreeMap<usize, Vec<u8>>,
    new: Vec<(String, Vec<u8>)>,
    covered: usize,
}

impl Plan {
    fn new<R: Read + Seek>(package: &mut Package<R>, stamp: &Stamp<'_>) -> Result<Self, Error> {
        let limits = stamp.limits;
        let entry = package.locate("", ENTRY_FILE)?.index;
        let bytes = package.read(entry, limits.xml_bytes)?;
        let documents = ofd::documents(&bytes, &limits)?;
        let Some(document) = documents.get(stamp.document) else {
            let detail = format!("{} documents, and number {} is asked for", documents.len(), stamp.document);
            return Err(ofd::Error::xml(ENTRY_FILE, detail).into());
        };
        let root = package.locate(ENTRY_FILE, &document.root)?.index;
        let annotations = pages::annotations(package, root, stamp.places)?;
        let (list, changed, earlier) = match &document.signatures {
            Some(location) => {
                let found = package.locate(ENTRY_FILE, location)?.index;
                let name = package.name(found).to_owned();
                let earlier = ofd::list(&package.read(found, limits.xml_bytes)?, &name, &limits)?;
                ((name, Some(found)), None, earlier)
            }
            None => {
                let name = beside(package.name(root), "Signs/Signatures.xml");
                if package.find(&name).is_some() {
                    return Err(ofd::Error::xml(ENTRY_FILE, format!("{name} is there and not named")).into());
                }
                let changed = describe::enter(&bytes, stamp.document, &name, &limits)?;
                ((name, None), Some((entry, changed)), Vec::new())
            }
        };
        let mut changing: Vec<usize> = list.1.into_iter().collect();
        changing.extend(changed.as_ref().map(|(index, _)| *index));
        let mut there = There::default();
        for document in &documents {
            open(package, document.signatures.as_deref(), &changing, &mut there)?;
        }
        there.and_new(annotations.len(), 0).within(&limits)?;
        let folder = free_folder(package, &list.0);
        let description = format!("{folder}/Signature.xml");
        if !description.is_ascii() {
            return Err(ofd::Error::Path(format!("\"{}\" (it has to be ASCII)", crate::report::shown(&folder))).into());
        }
        let (xml, id) = describe::list(&earlier, &description, &list.0, &limits)?;
        // The list counts with what is new in it.
        there.bytes += (xml.len() as u64).saturating_sub(list.1.map_or(0, |index| package.size(index)));
        Ok(Self {
            id,
            list: (list.0, xml, list.1),
            there,
            entry: changed,
            description,
            seal: format!("{folder}/Seal.esl"),
            value: format!("{folder}/SignedValue.dat"),
            annotations,
        })
    }

    fn sign<R: Read + Seek>(
        &self,
        package: &mut Package<R>,
        stamp: &Stamp<'_>,
        seal: &Seal,
        random: &dyn SecureRandom,
    ) -> Result<Added, Error> {
        let algorithm = stamp.signer.key().algorithm();
        let digest = algorithm.data_digest();
        let files: Vec<(usize, String)> = package.files().map(|(index, name)| (index, name.to_owned())).collect();
        let mut references = Vec::with_capacity(files.len() + 1);
        for (index, name) in files {
            if Some(index) == self.list.2 {
                continue;
            }
            let value = match &self.entry {
                Some((entry, content)) if *entry == index => digest.digest(content),
                _ => package.digest(index, digest)?,
            };
            references.push((name, value));
        }
        references.push((self.seal.clone(), digest.digest(&seal.der)));
        let description = Description {
            algorithm,
            at: stamp.at,
            references: &references,
            annotations: &self.annotations,
            seal: &self.seal,
            value: &self.value,
        }
        .xml()
        .into_bytes();
        let description = describe::small(description, "Signature.xml in bytes", &stamp.limits)?;
        self.there.and_new(self.annotations.len(), description.len() as u64).within(&stamp.limits)?;
        let back = ofd::describe(&description, &self.description, &stamp.limits)?;
        let same = |(found, (name, digest)): (&ofd::Reference, &(String, Vec<u8>))| {
            found.location.strip_prefix('/') == Some(name) && found.digest == *digest
        };
        if back.references.len() != references.len() || !back.references.iter().zip(&references).all(same) {
            return Err(ofd::Error::xml(&self.description, "the name of a file cannot be written into it").into());
        }
        let property = format!("/{}", self.description);
        let signed = to_sign(stamp, seal, &digest.digest(&description), &property).map_err(unwritable)?;
        let signature = stamp.signer.key().sign(&signed, random)?;
        let value = signed_value(stamp, &signed, &signature).map_err(unwritable)?;
        if value.len() > MAX_SIGNED_VALUE_BYTES {
            let (found, limit) = (value.len() as u64, MAX_SIGNED_VALUE_BYTES as u64);
            return Err(Error::TooLarge { what: "SignedValue.dat in bytes", found, limit });
        }
        SealSignature::parse(&value).map_err(|e| Error::Seal(e.to_string()))?;
        let mut replaced: BTreeMap<usize, Vec<u8>> = self.entry.iter().cloned().collect();
        let mut new = vec![
            (self.seal.clone(), seal.der.clone()),
            (self.description.clone(), description),
            (self.value.clone(), value),
        ];
        match self.list.2 {
            Some(index) => {
                replaced.insert(index, self.list.1.clone());
            }
            None => new.push((self.list.0.clone(), self.list.1.clone())),
        }
        Ok(Added { replaced, new, covered: references.len() })
    }
}

fn unwritable(error: der::Error) -> Error {
    Error::Seal(crate::asn1::plain(error))
}

/// `TBS_Sign`.
fn to_sign(stamp: &Stamp<'_>, seal: &Seal, data_hash: &[u8], property: &str) -> Made {
    let version = integer(seal.version.number())?;
    sequence(&[&version, &seal.der, &time(stamp.at)?, &bits(data_hash)?, &ia5(property)?])
}

/// `SES_Signature`.
fn signed_value(stamp: &Stamp<'_>, signed: &[u8], signature: &[u8]) -> Made {
    let signer = stamp.signer;
    sequence(&[signed, &octets(&signer.certificate().der)?, &oid(signer.key().algorithm().oid())?, &bits(signature)?])
}

/// A path beside a file.
fn beside(file: &str, name: &str) -> String {
    file.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

/// Whether no signature of a document covers what changes; counts what is there.
fn open<R: Read + Seek>(
    package: &mut Package<R>,
    list: Option<&str>,
    changing: &[usize],
    there: &mut There,
) -> Result<(), Error> {
    let limits = *package.limits();
    let Some(list) = list else { return Ok(()) };
    let list = package.locate(ENTRY_FILE, list)?.index;
    let name = package.name(list).to_owned();
    there.bytes += package.size(list);
    for Listed { id, location, .. } in ofd::list(&package.read(list, limits.xml_bytes)?, &name, &limits)? {
        let found = package.locate(&name, &location)?.index;
        let file = package.name(found).to_owned();
        there.signatures += 1;
        there.bytes += package.size(found);
        there.within(&limits)?;
        let described = ofd::describe(&package.read(found, limits.xml_bytes)?, &file, &limits)?;
        there.places += described.places.len();
        for reference in described.references {
            let covered = package.locate(&file, &reference.location).map(|found| found.index);
            if let Some(index) = covered.ok().filter(|index| changing.contains(index)) {
                return Err(Error::Closed { id, file: crate::report::shown(package.name(index)) });
            }
        }
    }
    Ok(())
}

/// The first folder `Sign_0`, `Sign_1` … beside the list in which there is nothing.
fn free_folder<R: Read + Seek>(package: &Package<R>, list: &str) -> String {
    let taken: Vec<String> = package.files().map(|(_, name)| name.to_lowercase()).collect();
    let mut number = 0_usize;
    loop {
        let folder = beside(list, &format!("Sign_{number}"));
        let start = folder.to_lowercase();
        let is_taken =
            |name: &String| name.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !taken.iter().any(is_taken) {
            return folder;
        }
        number += 1;
    }
}
