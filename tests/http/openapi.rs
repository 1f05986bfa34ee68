//! The contract: what is published is what is served.

use std::path::Path;

use serde_json::Value;

use crate::support::TestDatabase;

#[test]
fn the_contract_in_the_repository_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let built = pruuf::http::service().spec_yaml();
    assert!(
        written.trim_end() == built.trim_end(),
        "openapi.yaml is not what the code says: run `cargo run -- openapi > openapi.yaml` and review the change"
    );
}

/// POSTs without an `Idempotency-Key`, and why each needs none.
const WITHOUT_A_KEY: &[(&str, &str)] = &[
    ("request_code", "of nobody: there is no user to keep an answer for; the second within a minute is refused"),
    ("verify_code", "of nobody; a code is good once"),
    ("create_account", "of nobody; a ticket is good once"),
    ("create_session", "of nobody; a second session harms nobody, and is on the list"),
    ("recover_pin", "of nobody; a ticket is good once"),
    ("refresh_session", "the token is the key: the same one gives the same successor"),
    ("verify_address", "makes nothing; once verified, the answer is the same"),
    ("read_notification", "makes nothing; read is read"),
    ("read_all_notifications", "makes nothing; read is read"),
    ("find_user", "makes nothing"),
    ("unlock_user", "makes nothing; unlocked is unlocked"),
    ("resend_delivery", "asked twice, it is the same delivery"),
    ("confirm_delivery", "makes nothing; confirmed is confirmed"),
];

/// PUTs and PATCHes without an `If-Match`, and why each needs none.
const WITHOUT_IF_MATCH: &[(&str, &str)] = &[
    ("change_pin", "nobody reads a PIN; the current one is asked for"),
    ("put_device", "only the device itself writes it"),
    ("update_contact", "one value, and the last one counts"),
    ("update_break", "only what is sent changes, and only the Member's own"),
    ("set_staff_role", "one value, and the last one counts"),
];

/// R9.4: nobody overwrites what they have not seen.
#[test]
fn r9_4_every_put_and_patch_takes_an_if_match_or_needs_none() {
    let spec: Value = serde_json::from_str(&pruuf::http::service().spec()).unwrap();
    let mut without = Vec::new();
    for (_, methods) in spec["paths"].as_object().unwrap() {
        for (_, change) in
            methods.as_object().unwrap().iter().filter(|(method, _)| ["put", "patch"].contains(&method.as_str()))
        {
            let takes_version = change["parameters"]
                .as_array()
                .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "If-Match"));
            if !takes_version {
                without.push(change["operationId"].as_str().unwrap().to_owned());
            }
        }
    }
    let mut known: Vec<&str> = WITHOUT_IF_MATCH.iter().map(|(operation, _)| *operation).collect();
    known.sort_unstable();
    without.sort();
    assert_eq!(without, known, "left: changes that take no If-Match, right: those that are known to need none");
}

/// R9.4: the same action twice is one action.
#[test]
fn r9_4_every_post_takes_an_idempotency_key_or_needs_none() {
    let spec: Value = serde_json::from_str(&pruuf::http::service().spec()).unwrap();
    let mut without = Vec::new();
    for (_, methods) in spec["paths"].as_object().unwrap() {
        let Some(post) = methods.get("post") else { continue };
        let takes_key = post["parameters"].as_array().is_some_and(|parameters| {
            parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key" && parameter["in"] == "header")
        });
        if !takes_key {
            without.push(post["operationId"].as_str().unwrap().to_owned());
        }
    }
    let mut known: Vec<&str> = WITHOUT_A_KEY.iter().map(|(operation, _)| *operation).collect();
    known.sort_unstable();
    without.sort();
    assert_eq!(without, known, "left: POSTs that take no Idempotency-Key, right: those that are known to need none");
}

/// What saves somebody is what the contract has, or what its page promises.
#[test]
fn no_safety_act_is_misspelled() {
    let spec: Value = serde_json::from_str(&pruuf::http::service().spec()).unwrap();
    let to_come = [
        "/v1/me/help-requests",
        "/v1/alerts/{id}/needs-more-help",
        "/v1/alerts/{id}/cancel",
        "/v1/members/{id}/attestations",
    ];
    let bare = |path: &str| -> String {
        path.split('/').map(|part| if part.starts_with('{') { "{id}" } else { part }).collect::<Vec<_>>().join("/")
    };
    let known: Vec<String> = spec["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, item)| item.get("post").is_some())
        .map(|(path, _)| bare(path))
        .collect();
    for act in pruuf::http::gate::SAFETY_ACTS {
        assert!(known.iter().any(|path| path == act) || to_come.contains(act), "{act}");
    }
}

#[tokio::test]
async fn every_operation_is_a_function_of_the_database_with_a_summary_and_a_problem() {
    let db = TestDatabase::create().await;
    let spec: Value = serde_json::from_str(&pruuf::http::service().spec()).unwrap();
    let mut seen = Vec::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        assert!(path.starts_with("/v1/"), "{path}");
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            let known = "select exists (select from pg_proc where pronamespace = 'api'::regnamespace and proname = $1)";
            assert!(db.admin.query_one(known, &[&id]).await.unwrap().get::<_, bool>(0), "there is no api.{id}");
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{id} has no summary");
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{id}");
            let open = [
                "request_code",
                "verify_code",
                "create_account",
                "create_session",
                "refresh_session",
                "recover_pin",
                "check_in_by_device",
            ];
            assert_eq!(
                operation["security"].is_array(),
                !open.contains(&id),
                "{id}: whether somebody must be signed in"
            );
            assert!(!seen.contains(&id.to_owned()), "two operations are called {id}");
            seen.push(id.to_owned());
        }
    }
    // A path that is written twice shows only one half of its operations.
    assert_eq!(seen.len(), pruuf::http::service().spec().matches("operationId").count());
}
