//! The folder of sample events holds nothing that no test reads.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_sample_event_is_used_by_a_test() {
    let modules = [
        crate::meta_messages::FILES,
        crate::meta_account::FILES,
        crate::dialog360::FILES,
        crate::ultramsg::FILES,
        crate::hostile::FILES,
    ];
    let used: BTreeSet<String> = modules.concat().iter().map(|(file, _)| (*file).to_owned()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut kept = BTreeSet::new();
    for folder in ["meta", "dialog360", "ultramsg"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            kept.insert(format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap()));
        }
    }
    assert_eq!(used, kept);
}

#[test]
fn sample_events_are_json_with_escaped_arabic_as_the_providers_send_it() {
    let modules = [crate::meta_messages::FILES, crate::dialog360::FILES, crate::ultramsg::FILES];
    for (file, text) in modules.concat() {
        assert!(text.is_ascii(), "{file}");
        serde_json::from_str::<&serde_json::value::RawValue>(text).unwrap();
    }
}
