//! What the statements of a call read, from the plans that `auto_explain` writes: rows of growing
//! tables against the rows that a statement gives back or changes.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// Tables whose rows do not become more with people and years.
const STAYS_SMALL: &[&str] = &[
    "data.policies",
    "data.policy_changes",
    "data.notification_kinds",
    "data.escalation_policies",
    "data.escalation_rounds",
    "data.escalation_changes",
    "data.job_runs",
    "data.code_keys",
    "data.staff_roles",
    "billing.prices",
];
const GROWING_SCHEMAS: &[&str] = &["data", "billing", "audit"];

const SETTINGS: &str = "load 'auto_explain'; set auto_explain.log_min_duration = -1; set auto_explain.log_analyze = on;
    set auto_explain.log_nested_statements = on; set auto_explain.log_timing = off; set auto_explain.log_format = json;
    set auto_explain.log_verbose = on; set auto_explain.log_buffers = on; set client_min_messages = log";

/// A plan as PostgreSQL told it, with where it was made.
pub type Told = (String, String);

/// A connection that hears the plan of each statement, also of those in functions, while
/// `auto_explain.log_min_duration` is 0.
pub async fn connect(url: &str) -> (Client, UnboundedReceiver<Told>) {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message
                && let Some((_, plan)) = notice.message().split_once("plan:\n")
            {
                let _ = tell.send((plan.to_owned(), notice.where_().unwrap_or_default().to_owned()));
            }
        }
    });
    client.batch_execute(SETTINGS).await.unwrap();
    (client, told)
}

/// A statement, over all times it ran in one call.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// The `plan_cache_mode` of its plan.
    pub mode: &'static str,
    pub function: String,
    pub text: String,
    pub times: u64,
    /// Rows of growing tables that its scans looked at, also those that a filter left out.
    pub read: f64,
    /// Rows that it gave back, folded into what it gave back, or changed: one each time at least.
    pub given: f64,
    /// Pages that it touched.
    pub pages: f64,
    /// Of which tables, by which kind of scan, how many rows.
    pub scans: BTreeMap<String, f64>,
}

impl Statement {
    pub fn ratio(&self) -> f64 {
        self.read / self.given
    }
}

/// All statements of a call, the greediest first.
pub fn statements(told: &mut UnboundedReceiver<Told>) -> Vec<Statement> {
    let mut all: BTreeMap<(String, String), Statement> = BTreeMap::new();
    while let Ok((plan, place)) = told.try_recv() {
        let Ok(mut plan) = serde_json::from_str::<Value>(&plan) else { continue };
        let text = plan["Query Text"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let function = function(&place);
        let one = all.entry((function.clone(), text.clone())).or_insert_with(|| Statement {
            function,
            text,
            ..Statement::default()
        });
        let root = plan["Plan"].take();
        let mut count = Count::default();
        count.visit(&root);
        one.times += 1;
        one.read += count.read;
        one.given += rows(&root).max(count.folded).max(count.changed).max(1.0);
        one.pages += number(&root, "Shared Hit Blocks") + number(&root, "Shared Read Blocks");
        for (scan, rows) in count.scans {
            *one.scans.entry(scan).or_default() += rows;
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|one, other| other.ratio().total_cmp(&one.ratio()));
    all
}

/// `rules.places(uuid[])` of "PL/pgSQL function rules.places(uuid[]) line 3 at RETURN QUERY".
fn function(place: &str) -> String {
    place
        .lines()
        .find_map(|line| {
            let rest = line.strip_prefix("PL/pgSQL function ").or_else(|| line.strip_prefix("SQL function "))?;
            Some(rest.split(" line ").next()?.split(" statement ").next()?.split(" during ").next()?.replace('"', ""))
        })
        .unwrap_or_default()
}

#[derive(Default)]
struct Count {
    read: f64,
    folded: f64,
    changed: f64,
    scans: BTreeMap<String, f64>,
}

impl Count {
    fn visit(&mut self, node: &Value) {
        let kind = node["Node Type"].as_str().unwrap_or_default();
        let loops = number(node, "Actual Loops");
        if let Some(table) = growing(node).filter(|_| kind != "ModifyTable") {
            let seen = (number(node, "Actual Rows")
                + number(node, "Rows Removed by Filter")
                + number(node, "Rows Removed by Index Recheck"))
                * loops;
            self.read += seen;
            let index = node["Index Name"].as_str().map(|name| format!(" by {name}")).unwrap_or_default();
            *self.scans.entry(format!("{kind} on {table}{index}")).or_default() += seen;
        }
        self.read += number(node, "Rows Removed by Join Filter") * loops;
        let children = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
        if kind == "Aggregate" && folds(node) {
            self.folded += children.iter().filter(|child| is_input(child)).map(rows).sum::<f64>();
        }
        if kind == "ModifyTable" {
            self.changed += children.iter().filter(|child| is_input(child)).map(rows).sum::<f64>();
        }
        // What an `array(…)` holds is given with it.
        if node["Parent Relationship"] == "InitPlan"
            && node["Subplan Name"].as_str().is_some_and(|name| name.contains("returns"))
        {
            self.folded += rows(node);
        }
        for child in children {
            self.visit(child);
        }
    }
}

/// Whether it puts rows into its answer rather than counting them.
fn folds(node: &Value) -> bool {
    let output = node["Output"].as_array().map(Vec::as_slice).unwrap_or_default();
    output.iter().filter_map(Value::as_str).any(|part| {
        ["jsonb_agg(", "array_agg(", "string_agg(", "jsonb_object_agg("].iter().any(|fold| part.contains(fold))
    })
}

fn is_input(child: &Value) -> bool {
    matches!(child["Parent Relationship"].as_str(), Some("Outer" | "Member" | "Inner"))
}

fn growing(node: &Value) -> Option<String> {
    let (schema, table) = (node["Schema"].as_str()?, node["Relation Name"].as_str()?);
    let name = format!("{schema}.{table}");
    (GROWING_SCHEMAS.contains(&schema) && !STAYS_SMALL.contains(&name.as_str())).then_some(name)
}

fn rows(node: &Value) -> f64 {
    number(node, "Actual Rows") * number(node, "Actual Loops")
}

fn number(node: &Value, name: &str) -> f64 {
    node[name].as_f64().unwrap_or_default()
}
