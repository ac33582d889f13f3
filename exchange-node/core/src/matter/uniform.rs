//! 事项统一: an implementation against its uniform matter, element by element. Only better differences are allowed: a
//! shorter limit, fewer materials, less asked of the applicant.

use super::{Implementation, Material, Matter};
use crate::question::Relation;
use std::collections::BTreeSet;

/// An element in which an implementation is not uniform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which element, as in the `.proto`.
    pub element: String,
    /// What the implementation says.
    pub found: String,
    /// What the uniform matter allows.
    pub needed: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: found {}, needed {}", self.element, self.found, self.needed)
    }
}

/// Checks an implementation against the uniform matter. Every node that applies it gets the same answer.
///
/// # Errors
/// All differences that are not allowed, in the order of the elements.
pub fn check_uniform(matter: &Matter, implementation: &Implementation) -> Result<(), Vec<Difference>> {
    let mut differences = Differences::default();
    differences.equal("matter_code", implementation.matter_code, matter.matter_code);
    differences.equal("matter_version", implementation.matter_version, matter.version);
    differences.equal("name", &implementation.name, &matter.name);
    differences.equal("kind", Kind(implementation.kind.number()), Kind(matter.kind.number()));
    differences.list("legal_basis", &implementation.legal_basis, &matter.legal_basis);
    for material in &implementation.materials {
        match matter.materials.iter().find(|uniform| uniform.name == material.name) {
            None => differences.add(format!("materials[{}]", material.name), "a material", "none of this name"),
            Some(uniform) => differences.material(matter, uniform, material),
        }
    }
    differences.list("steps", &implementation.steps, &matter.steps);
    differences.equal("statutory_limit", implementation.statutory_limit, matter.statutory_limit);
    match implementation.promised_limit.at_most(&matter.statutory_limit) {
        Some(true) => {}
        Some(false) => {
            let needed = format!("at most {}", matter.statutory_limit);
            differences.add("promised_limit", implementation.promised_limit.to_string(), needed);
        }
        None => {
            let needed = format!("a limit that is at most {} whatever the holidays", matter.statutory_limit);
            differences.add("promised_limit", implementation.promised_limit.to_string(), needed);
        }
    }
    if differences.0.is_empty() { Ok(()) } else { Err(differences.0) }
}

#[derive(PartialEq)]
struct Kind(u8);

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, element: impl Into<String>, found: impl Into<String>, needed: impl Into<String>) {
        self.0.push(Difference { element: element.into(), found: found.into(), needed: needed.into() });
    }

    fn equal<T: PartialEq + std::fmt::Display>(&mut self, element: &str, found: T, needed: T) {
        if found != needed {
            self.add(element, found.to_string(), needed.to_string());
        }
    }

    /// The same texts in the same order; tells the first that differs.
    fn list(&mut self, element: &str, found: &[String], needed: &[String]) {
        for at in 0..found.len().max(needed.len()) {
            if found.get(at) != needed.get(at) {
                let show = |text: Option<&String>| text.map_or("nothing", String::as_str).to_owned();
                self.add(format!("{element}[{at}]"), show(found.get(at)), show(needed.get(at)));
                return;
            }
        }
    }

    fn material(&mut self, matter: &Matter, uniform: &Material, found: &Material) {
        let element = |part: &str| format!("materials[{}].{part}", uniform.name);
        if found.source != uniform.source {
            self.add(element("source"), format!("{:?}", found.source), format!("{:?}", uniform.source));
        }
        if found.type_code != uniform.type_code {
            let show = |material: &Material| material.type_code.map_or("none".to_owned(), |code| code.to_string());
            self.add(element("type_code"), show(found), show(uniform));
        }
        let more = |found: &[String], uniform: &[String]| {
            found.iter().filter(|one| !uniform.contains(one)).cloned().collect::<Vec<_>>().join(", ")
        };
        let fields = more(&found.fields, &uniform.fields);
        if !fields.is_empty() {
            self.add(element("fields"), fields, format!("at most {}", uniform.fields.join(", ")));
        }
        let (mine, theirs) = (relations(found), relations(uniform));
        if !mine.is_subset(&theirs) {
            let show = |all: Vec<Relation>| all.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
            let needed = format!("at most {}", show(theirs.iter().copied().collect()));
            self.add(element("relations"), show(mine.difference(&theirs).copied().collect()), needed);
        }
        for (part, is_worse, found) in [
            ("file", found.file && !uniform.file, "the certificate's files"),
            ("required", found.required && !uniform.required, "required"),
            ("tolerable", !found.tolerable && uniform.tolerable, "not tolerable"),
            ("commitment_replaces", !found.commitment_replaces && uniform.commitment_replaces, "no commitment"),
        ] {
            if is_worse {
                self.add(element(part), found, "as the uniform material, or better for the applicant");
            }
        }
        self.situations(matter, uniform, found, element("situations"));
    }

    /// Fewer situations are better; none named means every one.
    fn situations(&mut self, matter: &Matter, uniform: &Material, found: &Material, element: String) {
        let every = || matter.situations.iter().map(|situation| situation.code.clone()).collect();
        let resolved = |material: &Material| -> Vec<String> {
            if material.situations.is_empty() { every() } else { material.situations.clone() }
        };
        let allowed = resolved(uniform);
        let more: Vec<String> = resolved(found).into_iter().filter(|code| !allowed.contains(code)).collect();
        if !more.is_empty() {
            self.add(element, more.join(", "), format!("at most {}", allowed.join(", ")));
        }
    }
}

fn relations(material: &Material) -> BTreeSet<Relation> {
    Relation::ALL.into_iter().filter(|relation| material.allows(*relation)).collect()
}
