//! Roots, CAs, credentials.
