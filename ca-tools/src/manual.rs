//! What packages install beside a program: completions for shells and man pages, made from its command line.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
pub use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};
use serde_json::{Value, json};

use crate::{Error, files};

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages; made if it is not there. Pages in it are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// A completion script for a shell.
#[must_use]
pub fn completions(mut command: Command, shell: Shell) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    // A hyphen in a program's name is spelt in two ways in bash scripts, so that nothing completes behind the first
    // command (clap issue 6421, clap_complete 4.6.11). Without that fault this replaces nothing.
    script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}

/// The man pages (section 1) by file name: one for the program and one for each of its commands.
///
/// # Errors
/// [`Error::Io`]; writing to memory does not fail.
pub fn pages(command: Command) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let program = command.get_name().to_owned();
    let version = format!("{program} {}", env!("CARGO_PKG_VERSION"));
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut found = Vec::new();
    collect(&command, &program, &version, &mut found)?;
    Ok(found)
}

fn collect(command: &Command, program: &str, version: &str, found: &mut Vec<(String, Vec<u8>)>) -> Result<(), Error> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        collect(inner, program, version, found)?;
    }
    let man = Man::new(command.clone()).source(version).manual(program);
    let name = man.get_filename();
    let page = page(&man, command).map_err(|source| Error::Io { path: name.clone().into(), source })?;
    found.push((name, page));
    Ok(())
}

/// As clap_mangen renders it, with the examples where a reader of `--help` finds them: before the options.
fn page(man: &Man, command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if let Some(examples) = command.get_before_help() {
        let text = examples.to_string();
        section("EXAMPLES", text.trim_start_matches("Examples:").trim_matches('\n')).to_writer(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = command.get_after_help() {
        section("EXIT STATUS", after.to_string().trim_end()).to_writer(&mut page)?;
    }
    Ok(page)
}

/// Text as it stands, unfilled.
fn section(title: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]).control("nf", []);
    for line in text.lines() {
        // An empty line in unfilled text is a blank line; roff wants it said by a request.
        match line {
            "" => roff.control("sp", []),
            line => roff.text([roman(line)]),
        };
    }
    roff.control("fi", []);
    roff
}

/// Writes the pages into a folder and gives their names.
///
/// # Errors
/// [`Error::Io`].
pub fn write(command: Command, folder: &Path) -> Result<Value, Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    let mut names = Vec::new();
    for (name, page) in pages(command)? {
        files::replace(&folder.join(&name), &page)?;
        names.push(name);
    }
    Ok(json!({ "folder": folder, "pages": names }))
}
