#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn examples_stand_first_in_help() {
    let help = command().render_long_help().to_string();
    assert!(help.starts_with("Examples:"), "{help}");
    assert!(help.contains("Exit codes: 0 ok"), "{help}");
}

#[test]
fn a_misspelt_command_suggests_the_near_one() {
    let error = Cli::try_parse_from(["exchange-node", "certificate", "imoprt"]).unwrap_err();
    assert!(error.to_string().contains("similar subcommand exists: 'import'"), "{error}");
}

#[test]
fn config_check_names_an_unknown_key_and_the_near_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = "[node]\nregion = \"370100\"\nname = \"jinan-1\"\ndate = \"data\"\n";
    std::fs::write(&path, text).unwrap();
    let failure = config::run(&config::ConfigCommand::Check { config: path }, Format::Table).unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    // Golden.
    assert_eq!(
        failure.to_string(),
        "unknown field `date`, expected one of `region`, `name`, `data`, `environment`, `alone`\nin `node`\n\n\
         did you mean `data`?\n  cure    correct the spelling; the nearest known key is named\n  \
         see     docs/errors.md#config_key_unknown"
    );
}

#[test]
fn the_version_names_features_and_commit() {
    let version = command().render_version();
    let expected = if cfg!(feature = "test-util") { "features: test-util" } else { "features: none" };
    assert!(version.starts_with("exchange-node 0.") && version.contains(expected), "{version}");
    assert!(version.trim_end().ends_with(')') && version.contains(", commit: "), "{version}");
}
