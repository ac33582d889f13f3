//! The two programs as they ship.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// `exchange-node`.
pub fn node() -> &'static Path {
    &built()[0]
}

/// `ca-tools`.
pub fn ca_tools() -> &'static Path {
    &built()[1]
}

/// Beside this test's own: cargo decides whether they have to be built, so that no old ones are tested. A test's own build
/// could not be them: that has the features of tests.
fn built() -> &'static [PathBuf; 2] {
    static PROGRAMS: OnceLock<[PathBuf; 2]> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "-p", "exchange-node", "-p", "ca-tools", "--target-dir"]);
        command.arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            command.arg("--release");
        }
        // What cargo told this test about its own package would make build scripts (ring's) run again, here and in the
        // next build outside.
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_", "LD_LIBRARY_PATH"];
        for (name, _) in std::env::vars_os() {
            if own.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let node = profile.join("exchange-node");
        let version = Command::new(&node).arg("--version").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        assert!(version.contains("(features: none, commit: "), "not the program that ships: {version}");
        [node, profile.join("ca-tools")]
    })
}
