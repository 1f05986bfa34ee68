//! The order of the house (docs/conventions.md) as tests: what can be read in the files of the repository. What the
//! catalogue of the database knows is in tests/db/hygiene.sql.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pruuf::problem::Code;
use sha2::{Digest as _, Sha256};

/// Rules of docs/product.md that no test names yet. A rule leaves this list with its first test.
const OPEN_RULES: &[&str] = &[];

/// Everything that may lie at the top of the repository, beside files that begin with a dot.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "README.md",
    "build.rs",
    "docker-compose.yml",
    "docs",
    "migrations",
    "openapi.yaml",
    "sql",
    "src",
    "target",
    "tests",
];

/// What a part of `src/` may use of the others: `http, deliver, billing -> db -> problem`, and what serves them.
const MAY_USE: &[(&str, &[&str])] = &[
    ("problem", &["telemetry"]),
    ("config", &[]),
    ("texts", &[]),
    ("telemetry", &[]),
    ("vault", &["config", "problem"]),
    ("db", &["db", "problem", "telemetry"]),
    ("descriptors", &["db"]),
    (
        "http",
        &["app", "auth", "billing", "config", "db", "descriptors", "http", "problem", "texts", "vault", "webhooks"],
    ),
    ("webhooks", &["config", "deliver", "webhooks"]),
    ("deliver", &["app", "config", "db", "deliver", "problem", "texts", "vault"]),
    ("billing", &["app", "billing", "config", "db", "jobs", "problem", "vault"]),
];

/// A function fits on a screen.
const LONGEST_FUNCTION: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder with this extension: its path from the root, and its text.
fn files(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// SQL without its comments.
fn without_comments(sql: &str) -> String {
    sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The words that follow each occurrence of `mark`: letters, digits, `_`, and what `also` allows.
fn words_after<'a>(text: &'a str, mark: &str, also: &[char]) -> Vec<&'a str> {
    text.match_indices(mark)
        .map(|(place, _)| {
            let rest = &text[place + mark.len()..];
            let end =
                rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && !also.contains(&letter));
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

/// A statement `create or replace function …` and the lines directly below it.
struct Function {
    name: String,
    /// Before the body.
    head: String,
    lines: usize,
    /// Up to the next empty line.
    below: String,
}

fn functions() -> Vec<Function> {
    let mut functions = Vec::new();
    for text in files("sql", "sql").into_values() {
        let mark = "create or replace function ";
        for (start, _) in text.match_indices(mark) {
            let rest = &text[start..];
            let body = rest.find("$$").unwrap();
            let end = body + 2 + rest[body + 2..].find("$$;").unwrap() + 3;
            functions.push(Function {
                name: words_after(rest, mark, &['.'])[0].to_owned(),
                head: rest[..body].to_owned(),
                lines: rest[..end].lines().count(),
                below: rest[end..].split("\n\n").next().unwrap_or_default().to_owned(),
            });
        }
    }
    assert!(functions.len() > 50);
    functions
}

/// `R4.10` of every line of docs/product.md that begins a rule.
fn rules() -> BTreeSet<String> {
    let product = fs::read_to_string(root().join("docs/product.md")).unwrap();
    let rules: BTreeSet<_> = product
        .lines()
        .filter_map(|line| line.strip_prefix("- R"))
        .map(|line| format!("R{}", line.split(' ').next().unwrap_or_default()))
        .collect();
    assert!(rules.len() > 60, "{rules:?}");
    rules
}

/// Rules that a test names: `fn r4_10_…`, or R4.10 in a text, in `tests/` or in the tests of a module of `src/`.
fn rules_with_a_test() -> BTreeSet<String> {
    let mut texts: Vec<String> = files("tests", "sql").into_values().collect();
    texts.extend(files("tests", "rs").into_iter().filter(|(path, _)| path != "tests/house.rs").map(|(_, text)| text));
    texts.extend(files("src", "rs").into_iter().map(|(path, text)| {
        let tests = if path.ends_with("tests.rs") { Some(0) } else { text.find("#[cfg(test)]") };
        tests.map(|place| text[place..].to_owned()).unwrap_or_default()
    }));
    let mut named = BTreeSet::new();
    for text in texts {
        named.extend(words_after(&text, "fn r", &[]).into_iter().filter_map(|name| {
            let mut parts = name.split('_');
            let (section, rule) = (parts.next()?.parse::<u8>().ok()?, parts.next()?.parse::<u8>().ok()?);
            Some(format!("R{section}.{rule}"))
        }));
        named
            .extend(words_after(&text, "R", &['.']).into_iter().map(|word| format!("R{}", word.trim_end_matches('.'))));
    }
    named
}

#[test]
fn every_rule_of_the_product_has_a_test_or_is_on_the_open_list() {
    let tested = rules_with_a_test();
    let open: BTreeSet<String> = OPEN_RULES.iter().map(|&rule| rule.to_owned()).collect();
    let untested: BTreeSet<String> = rules().difference(&tested).cloned().collect();
    assert_eq!(untested, open, "left: rules without a test, right: OPEN_RULES in tests/house.rs");
}

#[test]
fn the_top_of_the_repository_is_as_agreed() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()), "{name} does not belong there");
    }
}

#[test]
fn nothing_in_src_points_back() {
    for (path, text) in files("src", "rs") {
        let part = path.trim_start_matches("src/").split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == part) else { continue };
        // Tests may use what they like.
        let text = if path.ends_with("tests.rs") { "" } else { text.split("#[cfg(test)]").next().unwrap_or_default() };
        for used in words_after(text, "crate::", &[]) {
            assert!(used == part || may.contains(&used), "{path} uses crate::{used}");
        }
        assert!(!text.contains("crate::{"), "{path}: one `use crate::…` for each part, so that this test can read it");
    }
}

#[test]
fn every_handler_has_the_name_of_its_operation_and_of_its_sql_function() {
    let sql: BTreeSet<String> = functions().into_iter().map(|function| function.name).collect();
    let mut operations = BTreeSet::new();
    for (path, text) in files("src/http", "rs") {
        for (place, mark) in text.match_indices("operation_id = ") {
            let rest = &text[place + mark.len()..];
            let operation = rest.split('"').nth(1).unwrap();
            assert_eq!(words_after(rest, "async fn ", &[])[0], operation, "{path}");
            assert!(sql.contains(&format!("api.{operation}")), "{path}: there is no api.{operation} in sql/");
            assert!(operations.insert(operation.to_owned()), "{operation} twice");
        }
    }
    assert!(operations.len() > 30);
    for (path, text) in files("src", "rs") {
        for schema in ["api", "jobs"] {
            for name in words_after(&text, &format!("\"{schema}."), &[]) {
                assert!(name.is_empty() || sql.contains(&format!("{schema}.{name}")), "{path} calls {schema}.{name}");
            }
        }
    }
}

#[test]
fn a_migration_that_has_landed_is_never_edited() {
    let listed = fs::read_to_string(root().join("tests/migrations.sha256")).unwrap();
    let now: String = files("migrations", "sql")
        .into_iter()
        .map(|(path, text)| {
            let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hash}  {}\n", path.trim_start_matches("migrations/"))
        })
        .collect();
    assert_eq!(listed, now, "after adding a migration: (cd migrations && sha256sum V*.sql) > tests/migrations.sha256");
}

#[test]
fn migrations_are_numbered_one_after_the_other() {
    for (place, path) in files("migrations", "sql").into_keys().enumerate() {
        assert!(path.starts_with(&format!("migrations/V{:04}__", place + 1)), "{path}");
    }
}

#[test]
fn migrations_know_nothing_of_what_may_be_rewritten() {
    for (path, text) in files("migrations", "sql") {
        for schema in ["rules.", "api.", "jobs."] {
            let text: String = without_comments(&text).lines().filter(|line| !line.starts_with("comment on")).collect();
            let names = words_after(&text, schema, &[]);
            assert!(names.iter().all(|name| name.is_empty()), "{path} mentions {schema}{}", names[0]);
        }
    }
}

#[test]
fn sql_makes_and_alters_no_table() {
    for (path, text) in files("sql", "sql") {
        let text = without_comments(&text).to_lowercase();
        // Those of tables that exist, beside running requests; each statement by itself, and again after one that broke off.
        let text = if path.starts_with("sql/35_indexes/") {
            text.replace("index concurrently if not exists", "")
        } else {
            text
        };
        for statement in [
            "create table",
            "alter table",
            "drop table",
            "create index",
            "create unique index",
            "create type",
            "create view",
            "create sequence",
            "truncate",
        ] {
            assert!(!text.contains(statement), "{path}: {statement}");
        }
        assert!(
            !text.contains("drop function") || path == "sql/90_gone.sql",
            "{path}: only 90_gone.sql drops functions"
        );
        assert!(!text.contains("create trigger") && !text.contains("create function"), "{path}: create or replace");
    }
}

/// R9.5: what reads a table that grows as a whole is done beside requests, and not under a lock that they wait for.
#[test]
fn no_migration_scans_a_table_that_exists() {
    /// The last one before this rule.
    const BEFORE: &str = "migrations/V0058";
    for (path, text) in files("migrations", "sql") {
        if path.as_str() < BEFORE || path.starts_with(BEFORE) {
            continue;
        }
        let text = without_comments(&text).to_lowercase();
        let made: Vec<String> =
            words_after(&text, "create table ", &['.']).iter().map(|name| (*name).to_owned()).collect();
        for statement in text.split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let is_of_old_table = |table: &str| !made.iter().any(|name| name == table.trim_end_matches('('));
            let on = words.iter().position(|word| *word == "on").and_then(|place| words.get(place + 1));
            if statement.contains("create index") || statement.contains("create unique index") {
                assert!(
                    on.is_some_and(|table| !is_of_old_table(table)),
                    "{path}: an index of a table that exists belongs into sql/35_indexes"
                );
            }
            if words.starts_with(&["alter", "table"]) && words.get(2).is_some_and(|table| is_of_old_table(table)) {
                let adds = ["add constraint", "add check", "add foreign key"].iter().any(|it| statement.contains(it));
                assert!(
                    !adds || statement.contains("not valid"),
                    "{path}: add it `not valid`, and validate it in a migration of its own"
                );
                for slow in [" type ", "set not null", "default gen_random", "default clock", "default data.", "stored"]
                {
                    assert!(!statement.contains(slow), "{path}: {slow} reads or writes the whole table");
                }
            }
        }
    }
}

#[test]
fn every_file_of_policies_is_whole() {
    for (path, text) in files("sql/50_policies", "sql") {
        let text = without_comments(&text);
        let table = text.split("revoke all on ").nth(1).unwrap_or_else(|| panic!("{path}: revoke first"));
        let table = table.split(' ').next().unwrap().to_owned();
        for name in words_after(&text, "create policy ", &[]) {
            assert!(
                text.contains(&format!("drop policy if exists {name} on {table};")),
                "{path}: {name} cannot be applied twice"
            );
        }
    }
}

#[test]
fn every_function_is_short_and_says_how_it_runs_and_what_it_is_for() {
    for function in functions() {
        let name = &function.name;
        assert!(function.lines <= LONGEST_FUNCTION, "{name} has {} lines", function.lines);
        for one_of in [
            &["language "][..],
            &["immutable", "stable", "volatile"],
            &["security invoker", "security definer"],
            &["set search_path = ''"],
        ] {
            assert!(one_of.iter().any(|words| function.head.contains(words)), "{name} does not say {one_of:?}");
        }
        assert!(function.below.contains(&format!("comment on function {name}(")), "{name}: its comment follows it");
        let is_definer = function.head.contains("security definer");
        assert_eq!(function.below.contains("owner to pruuf_engine;"), is_definer, "{name}: who owns it?");
    }
}

/// `UF409` and so on, by slug, as `sql/` raises them; `None` for what `rules.refusal` answers.
fn raised() -> BTreeMap<String, BTreeSet<Option<u16>>> {
    let mut raised: BTreeMap<String, BTreeSet<Option<u16>>> = BTreeMap::new();
    for (path, text) in files("sql", "sql") {
        for (place, mark) in text.match_indices("raise exception '") {
            let rest = &text[place + mark.len()..];
            let statement = &rest[..rest.find(';').unwrap()];
            let slug = statement.split('\'').next().unwrap();
            match statement.split("errcode = 'UF").nth(1) {
                Some(status) => {
                    let status = status[..3].parse().unwrap_or_else(|_| panic!("{path}: {statement}"));
                    raised.entry(slug.to_owned()).or_default().insert(Some(status));
                }
                // The release refuses itself: nobody asked over HTTP.
                None => assert_eq!(path, "sql/99_verify.sql", "{slug} has no errcode"),
            }
        }
        for slug in words_after(&text, "rules.refusal('", &['-']) {
            raised.entry(slug.to_owned()).or_default().insert(None);
        }
    }
    assert!(raised.len() > 15);
    raised
}

#[test]
fn what_sql_raises_is_in_the_table_of_problems_with_the_same_status() {
    for (slug, statuses) in raised() {
        let code = Code::from_slug(&slug).unwrap_or_else(|| panic!("{slug} is not in src/problem.rs"));
        for status in statuses.into_iter().flatten() {
            assert_eq!(status, code.parts().1, "{slug}");
        }
    }
}

#[test]
fn what_the_table_of_problems_lists_can_happen() {
    let raised = raised();
    let rust: String = files("src", "rs").into_values().collect();
    for code in Code::ALL {
        let variant = format!("{code:?}");
        let is_used = ["Code::", "Self::"].iter().any(|mark| {
            // Once in the macro's table it stands without a path.
            words_after(&rust, mark, &[]).contains(&variant.as_str())
        });
        assert!(is_used || raised.contains_key(code.parts().0), "{} is never raised", code.parts().0);
    }
}

#[test]
fn slugs_are_kebab_case_and_used_once() {
    let mut seen = BTreeSet::new();
    for code in Code::ALL {
        let (slug, status, _) = code.parts();
        assert!(slug.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{slug}");
        assert!((400..600).contains(&status), "{slug}");
        assert!(seen.insert(slug), "{slug} twice");
    }
}

/// Their names are API: `src/problem.rs` maps them.
#[test]
fn constraints_that_mean_a_problem_exist() {
    let problem = fs::read_to_string(root().join("src/problem.rs")).unwrap();
    let mapping = problem.split("fn from_constraint").nth(1).unwrap().split("_ => return None").next().unwrap();
    let migrations: String = files("migrations", "sql").into_values().collect();
    let names: Vec<_> =
        mapping.split('"').skip(1).step_by(2).filter(|it| it.contains('_') && !it.contains([' ', '/'])).collect();
    assert!(names.len() > 8);
    for name in names {
        assert!(
            words_after(&migrations, "constraint ", &[]).contains(&name)
                || words_after(&migrations, "create unique index ", &[]).contains(&name),
            "{name}"
        );
    }
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let tests: String = files("tests", "rs").into_values().chain(files("src", "rs").into_values()).collect();
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let test = line.rsplit(" | ").next().unwrap_or_default();
        for name in test.split('`').skip(1).step_by(2) {
            assert!(tests.contains(&format!("fn {name}(")), "docs/security.md names {name}");
            named += 1;
        }
    }
    assert!(named > 40);
}

/// What is never looked into: what was built, and what git or a tool keeps for itself.
const NOT_OURS: &[&str] = &["target", ".git", ".schemathesis", "secrets"];

/// Every YAML file of the repository, by its path from the root.
fn yaml_files() -> BTreeMap<String, serde_yaml::Value> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml" || it == "yml") {
                let text = fs::read_to_string(&path).unwrap();
                let read = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                found.insert(name, read);
            }
        }
    }
    found
}

/// A key that stands twice is an error: Compose refuses it too, and others take the last one. `tests/run` holds
/// docker-compose.yml against the specification of Compose.
#[test]
fn every_yaml_file_can_be_read_and_says_nothing_twice() {
    let files = yaml_files();
    assert!(files.contains_key("docker-compose.yml") && files.contains_key("openapi.yaml"), "{:?}", files.keys());
    let twice = serde_yaml::from_str::<serde_yaml::Value>("a: 1\nb: 2\na: 3\n");
    assert!(twice.unwrap_err().to_string().contains("duplicate"), "the parser is a strict one");
}

/// The names in .env.example, also of what is optional there.
fn example_names() -> Vec<String> {
    let text = fs::read_to_string(root().join(".env.example")).unwrap();
    let names = text.lines().filter_map(|line| line.trim_start_matches('#').split_once('=')).map(|(name, _)| name);
    names.filter(|name| name.chars().all(|it| it.is_ascii_uppercase() || it == '_')).map(ToOwned::to_owned).collect()
}

/// What `src/config.rs` reads of the environment.
fn settings() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("src/config.rs")).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    let mut names: BTreeSet<_> =
        words_after(text, "\"PRUUF_", &[]).into_iter().map(|name| format!("PRUUF_{name}")).collect();
    names.insert("DATABASE_URL".to_owned());
    assert!(names.len() > 25, "{names:?}");
    names
}

#[test]
fn the_example_of_an_environment_names_every_setting_once() {
    let listed = example_names();
    let names: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), names.len(), "a name stands twice in .env.example: {listed:?}");
    let missing: Vec<_> = settings().into_iter().filter(|name| !names.contains(name)).collect();
    assert_eq!(missing, [""; 0], "missing in .env.example");
}

#[test]
fn docker_compose_passes_on_every_setting() {
    let files = yaml_files();
    let environment = files["docker-compose.yml"]["services"]["server"]["environment"].as_mapping().unwrap();
    let passed_on: BTreeSet<_> = environment.keys().map(|name| name.as_str().unwrap().to_owned()).collect();
    let missing: Vec<_> = settings().into_iter().filter(|name| !passed_on.contains(name)).collect();
    assert_eq!(missing, [""; 0], "missing in the server's environment in docker-compose.yml");
    // Only these have a value of their own there: all others come from .env.
    let own: Vec<_> = environment.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(own, [Some("DATABASE_URL"), Some("PRUUF_LISTEN")]);
}
