//! Every command has a description, examples that parse, `-o`, and the help that stands in its golden file.

use super::{commands, leaves, programs};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Columns of the golden files.
const WIDTH: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn every_command_says_what_it_does_has_examples_and_an_output_format() {
    let leaves = leaves();
    assert!(leaves.len() > 25, "commands found: {}", leaves.len());
    for (words, command) in leaves {
        let about = command.get_about().unwrap_or_else(|| panic!("{words} says nothing")).to_string();
        assert!(about.len() > 15, "{words}: {about}");
        let examples = command.get_before_help().unwrap_or_else(|| panic!("{words} has no examples")).to_string();
        assert!(examples.starts_with("Examples:\n"), "{words}: {examples}");
        assert!(
            examples.lines().any(|line| line.trim_start().starts_with(&words)),
            "{words} is in none of its examples"
        );
        let output = command.get_arguments().find(|arg| arg.get_long() == Some("output"));
        let output = output.unwrap_or_else(|| panic!("{words} has no --output"));
        assert_eq!(output.get_short(), Some('o'), "{words}");
        let values: Vec<_> = output.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        assert_eq!(values, ["table", "json"], "{words}");
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{words}: {} has no description", arg.get_id());
        }
    }
}

/// The command lines of a text: lines that begin with a program's name, joined at a trailing backslash, without what a
/// shell would take.
fn lines(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    let ours = lines.filter(|line| ["exchange-node ", "ca-tools "].iter().any(|program| line.starts_with(program)));
    ours.map(words).collect()
}

/// Words as a shell would split them, up to a redirection, a pipe or a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            '>' | '|' | '#' | '<' if !quoted => break,
            c => word.push(c),
        }
    }
    if !word.is_empty() && word != "2" {
        words.push(word);
    }
    words
}

/// Parses a line; a program's own rules that need a file are not asked.
fn parses(line: &[String]) -> Result<(), String> {
    let program = programs().into_iter().find(|program| program.get_name() == line[0]).unwrap();
    program.try_get_matches_from(line).map(drop).map_err(|error| format!("{}: {error}", line.join(" ")))
}

#[test]
fn every_example_parses() {
    let mut count = 0;
    for (words, command) in commands() {
        let Some(examples) = command.get_before_help() else { continue };
        for line in lines(&examples.to_string()) {
            parses(&line).unwrap_or_else(|error| panic!("an example of {words}: {error}"));
            count += 1;
        }
    }
    assert!(count > 60, "examples found: {count}");
}

/// The fenced blocks of documents; those of the README are run by a test of its own.
#[test]
fn every_command_in_the_documents_parses() {
    let mut count = 0;
    for document in ["docs/OPERATING.md", "deploy/kafka/README.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
        for line in blocks.iter().flat_map(|block| lines(block)) {
            parses(&line).unwrap_or_else(|error| panic!("{document}: {error}"));
            count += 1;
        }
    }
    assert!(count > 15, "commands found: {count}");
}

/// `UPDATE_DOCS=1` writes them anew.
#[test]
fn help_is_as_its_golden_file() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut expected = BTreeSet::new();
    for (words, command) in commands() {
        let folder = root().join(words.split(' ').next().unwrap()).join("help");
        let path = folder.join(format!("{}.txt", words.replace(' ', "-")));
        let mut command = command.term_width(WIDTH);
        let rendered =
            format!("$ {words} --help\n{}\n$ {words} -h\n{}", command.render_long_help(), command.render_help());
        let rendered: String = rendered.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &rendered).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(golden == rendered, "{} is not what {words} says: run with UPDATE_DOCS=1", path.display());
        expected.insert(path);
    }
    for program in ["exchange-node", "ca-tools"] {
        for entry in std::fs::read_dir(root().join(program).join("help")).unwrap() {
            let path = entry.unwrap().path();
            assert!(expected.contains(&path), "{} is of no command: remove it", path.display());
        }
    }
}

#[test]
fn a_misspelt_word_suggests_the_near_one() {
    for (line, near) in [
        ("exchange-node docter", "'doctor'"),
        ("exchange-node certificate imoprt", "'import'"),
        ("exchange-node status --profil x", "'--profile'"),
        ("exchange-node config check -o jsno", "'json'"),
        ("ca-tools crl isue", "'issue'"),
        ("ca-tools issue --profile noed", "'node'"),
    ] {
        let line: Vec<&str> = line.split(' ').collect();
        let program = programs().into_iter().find(|program| program.get_name() == line[0]).unwrap();
        let error = program.try_get_matches_from(&line).unwrap_err().to_string();
        assert!(error.contains(near), "{error}");
    }
}
