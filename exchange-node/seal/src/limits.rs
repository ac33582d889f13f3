//! How much is read at most. Everything that a file claims is held against one of these before memory is taken for it.

/// Limits of one verification. [`Limits::DEFAULT`] is what the node and the command line use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the package as it came.
    pub package_bytes: u64,
    /// Entries of the package, folders included.
    pub entries: usize,
    /// Bytes of one entry, unpacked.
    pub entry_bytes: u64,
    /// Bytes of all entries, unpacked.
    pub unpacked_bytes: u64,
    /// Unpacked bytes per packed byte of an entry above [`Limits::RATIO_FROM`].
    pub ratio: u64,
    /// Bytes of an XML file that is read as such. Other files are only hashed, in pieces.
    pub xml_bytes: u64,
    /// Elements of an XML file.
    pub xml_elements: usize,
    /// Elements inside one another.
    pub xml_depth: usize,
    /// Signatures of a package.
    pub signatures: usize,
    /// Bytes of all `Signatures.xml` and `Signature.xml` of a package, which are held together until all are judged.
    pub described_bytes: u64,
    /// Files that one signature covers.
    pub references: usize,
    /// Places where one seal is seen.
    pub places: usize,
    /// Places of all seals of a package.
    pub all_places: usize,
}

impl Limits {
    /// Entries smaller than this, unpacked, may have any ratio: a page of spaces is no bomb.
    pub const RATIO_FROM: u64 = 1024 * 1024;

    /// 128 MiB packages, 8,192 entries, 512 MiB per entry, 1 GiB in all. A signature covers no more files than there are
    /// entries.
    pub const DEFAULT: Self = Self {
        package_bytes: 128 * 1024 * 1024,
        entries: 8192,
        entry_bytes: 512 * 1024 * 1024,
        unpacked_bytes: 1024 * 1024 * 1024,
        ratio: 200,
        xml_bytes: 4 * 1024 * 1024,
        xml_elements: 100_000,
        xml_depth: 32,
        signatures: 64,
        described_bytes: 16 * 1024 * 1024,
        references: 8192,
        places: 1024,
        all_places: 8192,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Bytes of a seal (`SESeal`).
pub const MAX_SEAL_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a seal signature (`SES_Signature`), which contains the seal.
pub const MAX_SIGNED_VALUE_BYTES: usize = 9 * 1024 * 1024;
/// Bytes of the seal's picture.
pub const MAX_PICTURE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one X.509 certificate.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;
/// Signers in a seal's list.
pub const MAX_LISTED_SIGNERS: usize = 512;
/// Extensions of a seal or a signature.
pub const MAX_EXTENSIONS: usize = 64;
/// Bytes of one extension.
pub const MAX_EXTENSION_BYTES: usize = 64 * 1024;
/// Bytes of a name, a path or another text.
pub const MAX_TEXT_BYTES: usize = 4096;
/// Bytes of a signature value: RSA with 8192 bits has 1024.
pub const MAX_SIGNATURE_BYTES: usize = 1024;
/// Bytes of a time stamp token.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// Certificates in a time stamp token or a CMS signature.
pub const MAX_CMS_CERTIFICATES: usize = 16;
/// Bytes of a CRL: some 400,000 entries.
pub const MAX_CRL_BYTES: usize = 16 * 1024 * 1024;
