//! Completions and man pages, as packages install them.

use super::{leaves, programs};
use ca_tools::manual::{self, Shell};
use clap::ValueEnum;
use std::{
    io::Write,
    process::{Command, Stdio},
};

fn there(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok()
}

/// Runs a program over a text on standard input; gives what it said if it failed.
fn judge(program: &str, args: &[&str], text: &[u8]) -> Result<String, String> {
    let mut command = Command::new(program);
    let pipe = Stdio::piped;
    let mut child = command.args(args).stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(errors),
        false => Err(format!("{program} {args:?}: {errors}")),
    }
}

#[test]
fn completions_of_every_shell_know_every_command() {
    for command in programs() {
        let name = command.get_name().to_owned();
        let leaves = leaves().into_iter().filter(|(words, _)| words.starts_with(&name));
        let last: Vec<String> = leaves.map(|(words, _)| words.rsplit(' ').next().unwrap().to_owned()).collect();
        for shell in Shell::value_variants() {
            let script = manual::completions(command.clone(), *shell);
            for word in &last {
                assert!(script.contains(word.as_str()), "{name}, {shell}: no {word}");
            }
            let (program, args): (&str, &[&str]) = match shell {
                Shell::Bash => ("bash", &["-n"]),
                Shell::Zsh => ("zsh", &["-n"]),
                Shell::Fish => ("fish", &["--no-execute"]),
                _ => continue,
            };
            match there(program) {
                true => drop(judge(program, args, script.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))),
                false => println!("skipped: no {program} here to read its completions"),
            }
        }
    }
}

/// What bash offers after a word.
#[test]
fn bash_completes() {
    let script = manual::completions(exchange_node::cli::command(), Shell::Bash);
    let ask = "COMP_WORDS=(exchange-node certificate im); COMP_CWORD=2; _exchange__node exchange-node im certificate; \
               echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", &format!("{script}\n{ask}")]).output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(offered.trim(), "import", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_a_man_page_that_is_well_formed() {
    let mut lint = None;
    for (program, args) in
        [("mandoc", &["-Tlint", "-Wwarning"][..]), ("groff", &["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])]
    {
        if lint.is_none() && there(program) {
            lint = Some((program, args));
        }
    }
    if lint.is_none() {
        println!("skipped: neither mandoc nor groff is here to read the man pages");
    }
    let mut pages = Vec::new();
    for command in programs() {
        pages.extend(manual::pages(command).unwrap());
    }
    for (words, command) in leaves() {
        let name = format!("{}.1", words.replace(' ', "-"));
        let (_, page) = pages.iter().find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no page {name}"));
        let page = String::from_utf8(page.clone()).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "OPTIONS"] {
            assert!(page.contains(&format!(".SH {section}\n")), "{name} has no {section}");
        }
        let about = command.get_about().unwrap().to_string();
        let first = about.split(['-', '.', '\'']).next().unwrap();
        assert!(page.contains(first), "{name} does not say {first}");
    }
    let Some((program, args)) = lint else { return };
    for (name, page) in &pages {
        let said = judge(program, args, page).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(said.is_empty(), "{name}: {program} warns: {said}");
    }
}
