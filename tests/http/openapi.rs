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
            let open =
                ["request_code", "verify_code", "create_account", "create_session", "refresh_session", "recover_pin"];
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
