//! Holds the documents against the code: a map that nobody tests rots.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The rows of the tables under a heading, as trimmed cells.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let section = text.split(heading).nth(1).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_crate_uses_only_what_the_architecture_allows() {
    let allowed: BTreeMap<String, BTreeSet<String>> = rows(&read("ARCHITECTURE.md"), "## Who may use whom")
        .into_iter()
        .map(|row| {
            let uses = row[1].split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            (row[0].clone(), uses.collect())
        })
        .collect();
    let mut seen = BTreeSet::new();
    for manifest in files(".", "Cargo.toml") {
        let text = fs::read_to_string(&manifest).unwrap();
        let Some(name) = text.lines().find_map(|line| line.strip_prefix("name = ")) else { continue };
        let name = name.trim_matches('"').to_owned();
        let Some(allowed_here) = allowed.get(&name) else {
            panic!("{name} is not in ARCHITECTURE.md's table")
        };
        let dependencies = text.split("\n[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let uses: BTreeSet<String> = dependencies
            .lines()
            .filter_map(|line| line.split_once('.').map(|(name, _)| name.trim().to_owned()))
            .filter(|name| allowed.contains_key(name))
            .collect();
        assert_eq!(&uses, allowed_here, "{name}: its manifest and ARCHITECTURE.md's table differ");
        seen.insert(name);
    }
    assert_eq!(seen, allowed.keys().cloned().collect(), "crates and the table's rows");
}

#[test]
fn only_platform_speaks_to_the_network_of_providers_and_aws() {
    for manifest in files(".", "Cargo.toml") {
        let text = fs::read_to_string(&manifest).unwrap();
        let path = manifest.strip_prefix(root()).unwrap().display().to_string();
        if path == "Cargo.toml"
            || path.starts_with("shared/platform/")
            || path.starts_with("infra/")
            || path.starts_with("tests/")
        {
            continue;
        }
        for banned in ["aws-sigv4", "aws-sdk", "hyper.", "hyper-util", "hyper-rustls", "reqwest", "rusqlite"]
        {
            assert!(!text.contains(&format!("\n{banned}")), "{path} names {banned}");
        }
    }
}

#[test]
fn every_store_method_has_its_row_in_the_access_patterns() {
    let document = read("docs/access-patterns.md");
    let listed: BTreeSet<String> = ["## crm", "## consents", "## ephemeral"]
        .iter()
        .flat_map(|heading| rows(&document, heading))
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    let mut methods = BTreeSet::new();
    for file in files("shared/platform/src/dynamo", ".rs") {
        let text = fs::read_to_string(&file).unwrap();
        if !text.contains("impl Store {") {
            continue;
        }
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("pub async fn ")) {
            methods.insert(line.split(['(', '<']).next().unwrap().to_owned());
        }
    }
    assert_eq!(methods, listed);
}

#[test]
fn every_sample_event_is_used_by_a_test() {
    let sources: Vec<String> =
        files(".", ".rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let samples = files("events", ".json");
    assert!(samples.len() >= 10, "{samples:?}");
    for sample in samples {
        let name = sample.strip_prefix(root()).unwrap().display().to_string();
        let file = name.rsplit('/').next().unwrap();
        assert!(sources.iter().any(|source| source.contains(file)), "{name} is used by no test");
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for file in files(".", ".md") {
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') || link.starts_with("mailto:") {
                continue;
            }
            let target = file.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(target.exists(), "{}: {link}", file.display());
        }
        // Documents also name files in back quotes; those of docs/ must exist.
        for name in text.split('`').filter(|name| name.starts_with("docs/") && name.ends_with(".md")) {
            assert!(root().join(name).exists(), "{}: {name}", file.display());
        }
    }
}

#[test]
fn every_function_of_the_template_is_a_crate_and_the_other_way_round() {
    let template = read("template.yaml");
    let crates: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let named: BTreeSet<String> =
        template.lines().filter_map(|line| line.trim().strip_prefix("Binary: ")).map(str::to_owned).collect();
    assert_eq!(named, crates);
}

#[test]
fn a_file_has_one_subject_and_stays_readable() {
    let long: Vec<String> = files(".", ".rs")
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 420)
        .map(|(file, lines)| format!("{}: {lines}", file.display()))
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn every_alarm_named_in_a_log_line_is_counted_by_the_template_and_the_other_way_round() {
    let named = |text: &str, before: &str| -> BTreeSet<String> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    };
    let sources = ["shared", "functions"].iter().flat_map(|folder| files(folder, ".rs"));
    let logged: BTreeSet<String> =
        sources.flat_map(|file| named(&fs::read_to_string(file).unwrap(), "alarm = \"")).collect();
    let template = read("template.yaml");
    assert_eq!(logged, named(&template, "$.fields.alarm = \""));
    let documented = read("infra/alarms-and-iam.md");
    for alarm in &logged {
        let row = format!("| {} |", alarm.replace('_', "-"));
        assert!(documented.contains(&row), "{alarm} has no row in infra/alarms-and-iam.md");
        assert!(template.contains(&format!("MetricName: {alarm}")), "{alarm} has no alarm");
    }
}

/// What would take data out of the country, or names a place outside of it: the words of a line that do.
fn leaves_the_country(line: &str) -> Vec<String> {
    let line = line.to_ascii_lowercase();
    let services = ["aws::cloudfront", "cloudfront.net", "route53", "aws::ses"];
    let mut found: Vec<String> =
        services.iter().filter(|word| line.contains(*word)).map(|word| (*word).to_owned()).collect();
    let actions = line.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '*'));
    found.extend(actions.filter(|action| action.starts_with("ses:")).map(str::to_owned));
    // A region is two letters, perhaps `gov` or `iso`, a direction and a digit.
    let directions =
        ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
    for word in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let parts: Vec<&str> = word.split('-').collect();
        let region = parts.windows(3).any(|part| {
            part[0].len() == 2
                && directions.contains(&part[1])
                && part[2].len() <= 2
                && part[2].starts_with(|c: char| c.is_ascii_digit())
        });
        if region && !word.starts_with("me-central-1") {
            found.push(word.to_owned());
        }
    }
    found
}

#[test]
fn the_template_names_no_other_region_and_no_service_that_takes_data_abroad() {
    for file in ["template.yaml", "samconfig.toml"] {
        for (nth, line) in read(file).lines().enumerate() {
            assert_eq!(leaves_the_country(line), Vec::<String>::new(), "{file}:{}: {line}", nth + 1);
        }
    }
    assert!(read("samconfig.toml").contains("region = \"me-central-1\""));
    for abroad in [
        "Resource: arn:aws:sqs:eu-west-1:123456789012:queue",
        "Name: !Sub logs.us-east-1.amazonaws.com",
        "AvailabilityZone: ap-southeast-2a",
        "region = \"me-south-1\"",
        "Type: AWS::CloudFront::Distribution",
        "Type: AWS::Route53::RecordSet",
        "Action: ses:SendEmail",
        "Type: AWS::SES::EmailIdentity",
    ] {
        assert_eq!(leaves_the_country(abroad).len(), 1, "{abroad}");
    }
    assert!(leaves_the_country("Resource: arn:aws:sqs:me-central-1:1:processes:send").is_empty());
}
