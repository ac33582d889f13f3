//! The descriptor set against that of the last release: nothing that was released changes its number, name or type, and
//! nothing goes. Additions are fine.

use crate::golden::add_if_missing;
use exchange_proto::DESCRIPTORS;
use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The last release, without comments.
const RELEASED: &str = "golden/descriptors-0.1.binpb";

/// Everything that has to stay, by its full name: `message.number` → name, type, label and so on.
fn facts(set: &FileDescriptorSet) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for file in &set.file {
        let package = file.package();
        file.message_type.iter().for_each(|message| of_message(package, message, &mut facts));
        file.enum_type.iter().for_each(|kind| of_enum(package, kind, &mut facts));
        file.service.iter().for_each(|service| of_service(package, service, &mut facts));
    }
    facts
}

fn of_message(parent: &str, message: &DescriptorProto, facts: &mut BTreeMap<String, String>) {
    let name = format!("{parent}.{}", message.name());
    facts.insert(format!("message {name}"), String::new());
    for field in &message.field {
        facts.insert(format!("field {name}.{}", field.number()), of_field(message, field));
    }
    message.nested_type.iter().for_each(|nested| of_message(&name, nested, facts));
    message.enum_type.iter().for_each(|nested| of_enum(&name, nested, facts));
}

fn of_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let choice = field.oneof_index.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
    let choice = choice.map(|choice| choice.name()).unwrap_or_default();
    let packed = field.options.as_ref().and_then(|options| options.packed);
    let (kind, label) = (field.r#type(), field.label());
    format!("{} {label:?} {kind:?} {} in {choice:?} packed {packed:?}", field.name(), field.type_name())
}

fn of_enum(parent: &str, kind: &EnumDescriptorProto, facts: &mut BTreeMap<String, String>) {
    let name = format!("{parent}.{}", kind.name());
    facts.insert(format!("enum {name}"), String::new());
    for value in &kind.value {
        facts.insert(format!("value {name} = {}", value.number()), value.name().to_owned());
    }
}

fn of_service(parent: &str, service: &ServiceDescriptorProto, facts: &mut BTreeMap<String, String>) {
    for method in &service.method {
        let (input, output) = (method.input_type(), method.output_type());
        let streams = (method.client_streaming(), method.server_streaming());
        let fact = format!("{input} → {output}, streams {streams:?}");
        facts.insert(format!("call {parent}.{}.{}", service.name(), method.name()), fact);
    }
}

/// What was released and is no longer so.
fn breaks(released: &FileDescriptorSet, now: &FileDescriptorSet) -> Vec<String> {
    let now = facts(now);
    facts(released)
        .into_iter()
        .filter_map(|(what, was)| match now.get(&what) {
            Some(is) if *is == was => None,
            Some(is) => Some(format!("{what}: was {was}, is {is}")),
            None => Some(format!("{what} ({was}) is gone")),
        })
        .collect()
}

fn today() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    set
}

fn message<'a>(set: &'a mut FileDescriptorSet, name: &str) -> &'a mut DescriptorProto {
    set.file.iter_mut().flat_map(|file| &mut file.message_type).find(|message| message.name() == name).unwrap()
}

#[test]
fn nothing_that_was_released_has_changed() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(RELEASED);
    add_if_missing(&path, &today().encode_to_vec());
    let released = FileDescriptorSet::decode(fs::read(&path).unwrap().as_slice()).unwrap();
    assert!(facts(&released).len() > 400, "a descriptor set of {} facts compares nothing", facts(&released).len());
    let breaks = breaks(&released, &today());
    assert!(breaks.is_empty(), "peers of the last release would misread:\n{}", breaks.join("\n"));
}

#[test]
fn changes_of_number_name_and_type_are_found_and_additions_are_not() {
    let released = today();
    let broken = |change: fn(&mut FileDescriptorSet)| {
        let mut now = today();
        change(&mut now);
        breaks(&released, &now)
    };
    let renumbered = broken(|set| message(set, "Segment").field[2].number = Some(9));
    assert_eq!(renumbered.len(), 1, "{renumbered:?}");
    assert!(renumbered[0].contains("field exchange.v1.Segment.3 (first") && renumbered[0].ends_with("is gone"));

    let renamed = broken(|set| message(set, "Segment").field[2].name = Some("start".to_owned()));
    assert!(renamed[0].contains("was first") && renamed[0].contains("is start"), "{renamed:?}");

    let retyped = broken(|set| message(set, "Segment").field[2].r#type = Some(13));
    assert!(retyped[0].contains("Uint64") && retyped[0].contains("Uint32"), "{retyped:?}");

    let removed = broken(|set| drop(message(set, "Event").field.pop()));
    assert!(removed[0].contains("exchange.v1.Event."), "{removed:?}");

    let status = broken(|set| {
        let kinds = set.file.iter_mut().flat_map(|file| &mut file.enum_type);
        kinds.into_iter().find(|kind| kind.name() == "Status").unwrap().value[1].name = Some("STATUS_X".to_owned());
    });
    assert_eq!(status, ["value exchange.v1.Status = 1: was STATUS_NOT_YET_ACTIVE, is STATUS_X"]);

    let call = broken(|set| {
        let services = set.file.iter_mut().flat_map(|file| &mut file.service);
        let peer = services.into_iter().find(|service| service.name() == "PeerService").unwrap();
        peer.method[1].server_streaming = Some(false);
    });
    assert!(call[0].starts_with("call exchange.v1.PeerService."), "{call:?}");

    let added = broken(|set| {
        let mut field = message(set, "Segment").field[2].clone();
        (field.name, field.number) = (Some("later".to_owned()), Some(900));
        message(set, "Segment").field.push(field);
        let mut whole = message(set, "Segment").clone();
        whole.name = Some("Later".to_owned());
        set.file[0].message_type.push(whole);
    });
    assert_eq!(added, Vec::<String>::new());
}
