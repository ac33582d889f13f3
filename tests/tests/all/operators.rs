//! What operators meet: every command's help, examples, output and exit code, completions, man pages, `doctor`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod commands;
mod doctor;
mod exits;
mod office;
mod output;
mod pages;

use clap::Command;

/// Both programs' command lines.
fn programs() -> [Command; 2] {
    [exchange_node::cli::command(), ca_tools::cli::command()].map(|mut command| {
        command = command.disable_help_subcommand(true);
        command.build();
        command
    })
}

/// Every command that has none below it, with its words: `exchange-node certificate import`.
fn leaves() -> Vec<(String, Command)> {
    commands().into_iter().filter(|(_, command)| !command.has_subcommands()).collect()
}

/// Every command, the programs among them.
fn commands() -> Vec<(String, Command)> {
    fn walk(words: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((words.to_owned(), command.clone()));
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            walk(&format!("{words} {}", inner.get_name()), inner, found);
        }
    }
    let mut found = Vec::new();
    for program in programs() {
        walk(program.get_name(), &program, &mut found);
    }
    found
}
