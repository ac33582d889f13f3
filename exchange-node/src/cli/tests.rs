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

/// Bad input at the command line: exit code 2, and what was perhaps meant.
#[test]
fn arguments_that_are_none_are_refused_with_what_was_perhaps_meant() {
    for (arguments, needed) in [
        (&["nothing"][..], "unrecognized subcommand 'nothing'"),
        (&["runn"], "similar subcommand exists: 'run'"),
        (&["run"], "--config <FILE>"),
        (&["run", "--confg", "x"], "a similar argument exists: '--config'"),
        (&["run", "--config", "x", "--config", "y"], "cannot be used multiple times"),
        (&["run", "--config"], "a value is required"),
        (&["run", "--config", "x", "more"], "unexpected argument 'more'"),
        (&["sample", "--rows", "-1", "--region", "370100"], "unexpected argument '-1'"),
        (&["sample", "--rows", "many", "--region", "370100"], "invalid value 'many'"),
        (&["sample", "--rows", "18446744073709551616", "--region", "370100"], "invalid value"),
        (&["certificate", "import", "--file", "x", "--encoding", "latin1"], "invalid value 'latin1'"),
    ] {
        let arguments = std::iter::once("exchange-node").chain(arguments.iter().copied());
        let error = Cli::try_parse_from(arguments.clone()).err();
        let error = error.unwrap_or_else(|| panic!("{:?} is taken", arguments.collect::<Vec<_>>()));
        assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{error}");
        assert!(error.to_string().contains(needed), "{error}");
    }
}
