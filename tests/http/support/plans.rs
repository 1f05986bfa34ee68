//! Which tables grow, and which plans read one of them without an index (R9.5).
//!
//! Every session of `pruuf_server` in the cluster of the tests logs the plan of every statement that it runs, also of
//! those inside of functions, of triggers and of foreign keys (`auto_explain`). The planner there may not read a table
//! whole where an index serves, and believes that the tables are large. A statement that reads one of [`GROWS`] without
//! an index even so has none that serves it: the test in whose database it ran fails.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio_postgres::Client;

/// Tables with rows for each day, message or person. Whatever reads one of them needs an index.
pub const GROWS: &[&str] = &[
    "audit.events",
    "audit.seals",
    "audit.unsealed_events",
    "billing.accounts",
    "billing.customers",
    "billing.events",
    "billing.orders",
    "billing.subscriptions",
    "data.addresses",
    "data.alarm_places",
    "data.alert_actions",
    "data.alert_rounds",
    "data.alerts",
    "data.attempts",
    "data.attestations",
    "data.blocks",
    "data.breaks",
    "data.check_ins",
    "data.connections",
    "data.coverage",
    "data.coverage_marks",
    "data.deliveries",
    "data.devices",
    "data.drill_reminders",
    "data.drills",
    "data.escalation_changes",
    "data.escalation_policies",
    "data.escalation_rounds",
    "data.help_requests",
    "data.idempotency_keys",
    "data.invitation_tries",
    "data.invitations",
    "data.ip_tries",
    "data.linked_devices",
    "data.notifications",
    "data.obligations",
    "data.obligations_met",
    "data.one_time_codes",
    "data.pins",
    "data.positions",
    "data.preferences",
    "data.receipts",
    "data.received_texts",
    "data.refresh_tokens",
    "data.schedules",
    "data.sessions",
    "data.set_asides",
    "data.signatures",
    "data.unknown_sign_ins",
    "data.unreached_contacts",
    "data.untold_check_ins",
    "data.users",
    "data.watch_settings",
    "data.webhook_events",
    "data.webhook_secrets",
    "data.webhooks",
    "data.weekly_summaries",
    "data.welfare_card_looks",
    "data.welfare_cards",
];

/// Tables that stay small however many people there are. A new table is on this list or on [`GROWS`].
pub const STAYS_SMALL: &[&str] = &[
    "billing.prices",
    "data.code_keys",
    "data.job_runs",
    "data.notification_kinds",
    "data.policies",
    "data.policy_changes",
    "data.staff_roles",
];

/// Indexes of what is not settled yet: a job may look at all of that.
pub const UNSETTLED: &[&str] = &[
    "alerts_next_step",
    "alerts_reach_check",
    "alerts_unresolved",
    "alerts_unresolved_since",
    "deliveries_due",
    "deliveries_expiring",
    "deliveries_leased",
    "deliveries_poll",
    "events_due",
    "one_open_call_for_help_per_member",
    "orders_due",
    "users_leaving",
    "webhook_events_due",
];

/// What may read a growing table whole: the function in which the statement stands, the table, and why.
pub const MAY_READ_ALL: &[(&str, &str, &str)] = &[
    ("audit.verify_events", "audit.unsealed_events", "a queue: rows live for a second"),
    ("jobs.audit", "audit.unsealed_events", "a queue: rows live for a second"),
    ("jobs.audit", "data.coverage_marks", "a queue: rows live for a second"),
    ("jobs.audit", "data.set_asides", "a queue: rows that could not be handled"),
    ("jobs.follow_coverage", "data.coverage_marks", "a queue: its first rows"),
    ("jobs.preflight", "data.coverage", "an operator's command: it counts all Members"),
    ("jobs.seal_audit", "audit.unsealed_events", "a queue: rows live for a second; an index would cost every append"),
    ("jobs.some_members", "data.schedules", "a sample of pages, as many of a large table as of a small one"),
    ("jobs.tell_check_ins", "data.untold_check_ins", "a queue: its first rows"),
    ("seconds_to_deadline", "data.obligations", "the first row of the index that is not set aside"),
    ("seconds_to_reminder", "data.obligations", "the first row of the index that is not set aside"),
];

/// Words that nearly all rows of a large database have: what is not settled is rare.
const SETTLED: &[(&str, &str)] = &[
    ("data.alerts", "resolved"),
    ("data.deliveries", "delivered"),
    ("data.invitations", "accepted"),
    ("data.obligations", "met"),
    ("data.webhook_events", "delivered"),
    ("billing.events", "applied"),
];

/// How many rows the planner believes to be on a page of a growing table.
const MANY: f32 = 1e7;

/// How much of the log is read before its room on the disk is given back.
const CHUNK: u64 = 16 << 20;

/// What a test's own connections call themselves: their statements do not count, only those of functions they call.
pub const TEST: &str = "test";

/// What PostgreSQL is told at its start, so that [`Plans`] can read its log.
pub const SETTINGS: &[(&str, &str)] = &[
    ("log_line_prefix", "%d %a "),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_nested_statements", "on"),
    // What the planner is told of the tables (`believe`) stays as it is.
    ("autovacuum", "off"),
    ("jit", "off"),
];

/// How sessions of `pruuf_server` differ from others: a plan without an index is the last resort.
const SESSIONS: &[&str] = &[
    "session_preload_libraries = 'auto_explain'",
    "enable_seqscan = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "enable_material = off",
    // Rows count, pages do not: these tables have one page each.
    "seq_page_cost = 0.01",
    "random_page_cost = 0.01",
];

/// Lets every later session of `pruuf_server` log its plans.
pub async fn watch_sessions(postgres: &Client) {
    for setting in SESSIONS {
        postgres.batch_execute(&format!("alter role pruuf_server set {setting}")).await.unwrap();
    }
}

/// Lets the planner believe that the tables of a database are large. `rows`: a script with rows for every table; none of
/// them stays, but each table and index has a page from then on.
pub async fn believe(admin: &Client, rows: &str) {
    let rows = rows.replace("\nbegin;", "").replace("\ncommit;", "\nset local role none;");
    // A sequence does not roll back.
    admin.batch_execute("create temporary table numbers as select * from pg_sequences").await.unwrap();
    admin.batch_execute(&format!("begin;\n{rows}\nrollback;")).await.unwrap();
    let back = "select setval(format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value is not null)
                  from pg_temp.numbers; drop table pg_temp.numbers";
    admin.batch_execute(back).await.unwrap();
    let grows: Vec<String> = GROWS.iter().map(|&table| table.to_owned()).collect();
    let sql = "with grown as (
            select c.oid from pg_class c left join pg_inherits i on i.inhrelid = c.oid
             where coalesce(i.inhparent, c.oid) = any ($1::text[]::regclass[]) and c.relkind = 'r')
        update pg_class c set reltuples = $2, relpages = case c.relkind when 'i' then 2 else 1 end
         where c.oid in (select oid from grown)
            or c.oid in (select i.indexrelid from pg_index i where i.indrelid in (select oid from grown))";
    admin.execute(sql, &[&grows, &MANY]).await.unwrap();
    admin.execute(STATISTICS, &[&grows]).await.unwrap();
    for (table, settled) in SETTLED {
        admin.batch_execute(&settled_statistics(table, settled)).await.unwrap();
    }
}

/// Of ten thousand rows each other word has one: counted in a table of its own, since a row of `pg_statistic` can be
/// moved, and not be written.
fn settled_statistics(table: &str, settled: &str) -> String {
    format!(
        "create temporary table counted as
           select '{settled}'::text as state from generate_series(1, 10000)
           union all
           select w[1] from pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '''([a-z_]+)''', 'g') w
            where k.conrelid = '{table}'::regclass and k.contype = 'c'
              and k.conkey = array[(select a.attnum from pg_attribute a
                                     where a.attrelid = k.conrelid and a.attname = 'state')];
         analyze counted;
         create temporary table place as
           select a.attrelid, a.attnum from pg_attribute a
            where a.attrelid = '{table}'::regclass and a.attname = 'state';
         delete from pg_statistic s using place p where s.starelid = p.attrelid and s.staattnum = p.attnum;
         update pg_statistic s set starelid = p.attrelid, staattnum = p.attnum from place p
          where s.starelid = 'counted'::regclass;
         drop table counted, place;"
    )
}

/// What ANALYZE would say of a large database: half of what may be null is, and nearly all of what is due at some time
/// or never; a word of a list is one of five, five rows have the same key, and the rest is one of ten.
const STATISTICS: &str = "
    insert into pg_statistic (starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
        stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5,
        stacoll1, stacoll2, stacoll3, stacoll4, stacoll5)
    select c.oid, a.attnum, false,
           case when a.attnotnull then 0
                when a.atttypid = 'timestamptz'::regtype and exists (
                  select from pg_index i where i.indrelid = c.oid and a.attnum = i.indkey[0]
                     and pg_get_expr(i.indpred, i.indrelid) like '%(' || a.attname || ' IS NOT NULL)%') then 0.9999
                else 0.5 end, 16,
           case when exists (select from pg_constraint k where k.conrelid = c.oid and k.conkey = array[a.attnum]
                                and pg_get_constraintdef(k.oid) like '%= ANY (ARRAY[%') then 5
                when exists (select from pg_index i where i.indrelid = c.oid and a.attnum = any (i.indkey::smallint[])) then -0.2
                else 10 end,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
      from pg_class c left join pg_inherits i on i.inhrelid = c.oid
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where coalesce(i.inhparent, c.oid) = any ($1::text[]::regclass[]) and c.relkind = 'r'
       and not exists (select from pg_statistic s where s.starelid = c.oid and s.staattnum = a.attnum)";

/// What is known of the tables and indexes whose names stand in plans, which do not name schemas.
pub struct Catalogue {
    /// Of each table, or partition of one: the table.
    tables: HashMap<String, String>,
    /// Of each index: its table and its first key.
    indexes: HashMap<String, (String, String)>,
}

impl Catalogue {
    /// That of a migrated database.
    pub async fn of(admin: &Client) -> Self {
        let sql = "select c.relname::text, coalesce(i.inhparent, c.oid)::regclass::text
              from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_inherits i on i.inhrelid = c.oid
             where n.nspname in ('data', 'billing', 'audit') and c.relkind = 'r'";
        let rows = admin.query(sql, &[]).await.unwrap();
        let tables: HashMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(tables.len(), rows.len(), "two tables have one name, and plans do not say the schema");
        let sql = "select c.relname::text, t.relname::text, pg_get_indexdef(c.oid, 1, false)
              from pg_class c join pg_index i on i.indexrelid = c.oid join pg_class t on t.oid = i.indrelid
              join pg_namespace n on n.oid = c.relnamespace
             where n.nspname in ('data', 'billing', 'audit') and c.relkind = 'i'";
        let rows = admin.query(sql, &[]).await.unwrap();
        let of = |row: &tokio_postgres::Row| (tables[row.get::<_, &str>(1)].clone(), row.get(2));
        let indexes: HashMap<String, (String, String)> = rows.iter().map(|row| (row.get(0), of(row))).collect();
        assert_eq!(indexes.len(), rows.len(), "two indexes have one name, and plans do not say the schema");
        Self { tables, indexes }
    }

    /// Whether there is an index of this name.
    pub fn has_index(&self, name: &str) -> bool {
        self.indexes.contains_key(name)
    }
}

/// A statement that reads a growing table without an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offence {
    /// Where it stands, or nothing when the server sent it itself.
    pub function: String,
    /// The table.
    pub table: String,
    /// How it is read.
    pub how: String,
    /// The statement.
    pub statement: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} reads {}: {}\n    {}", self.function, self.table, self.how, self.statement)
    }
}

/// A line of a plan: a node, or what begins a plan of its own inside of it.
#[derive(Debug, Default)]
struct Node {
    indent: usize,
    label: String,
    condition: Option<String>,
    has_filter: bool,
    /// What is below it is not run.
    never_runs: bool,
    /// Of its parent.
    within: Option<usize>,
}

/// Reads the nodes of a plan as text, with the query before it.
fn nodes(entry: &[String]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for line in entry {
        let text = line.trim_start_matches(' ');
        let (spaces, is_first) = (line.len() - text.len(), nodes.is_empty());
        let begins = if is_first { spaces == 0 } else { text.starts_with("->") };
        if begins && let Some(end) = text.find("  (cost=") {
            let label = text[..end].trim_start_matches("->").trim_start().to_owned();
            nodes.push(Node { indent: spaces, label, ..Node::default() });
        } else if is_first {
            continue;
        } else if ["SubPlan ", "InitPlan ", "CTE "].iter().any(|mark| text.starts_with(mark)) {
            nodes.push(Node { indent: spaces, label: "a plan of its own".to_owned(), ..Node::default() });
        } else if let (Some(node), Some(condition)) = (nodes.last_mut(), text.strip_prefix("Index Cond: ")) {
            node.condition = Some(condition.to_owned());
        } else if let Some(node) = nodes.last_mut() {
            node.has_filter |= text.starts_with("Filter: ");
            node.never_runs |= text == "One-Time Filter: false";
        }
    }
    for place in 1..nodes.len() {
        nodes[place].within = (0..place).rev().find(|&above| nodes[above].indent < nodes[place].indent);
    }
    nodes
}

/// What a node reads, and by which index.
fn reading(label: &str) -> Option<(Option<&str>, Option<&str>)> {
    let label = label.strip_prefix("Parallel ").unwrap_or(label);
    let first = |text: &'static str| label.strip_prefix(text).and_then(|rest| rest.split(' ').next());
    if let Some(table) = first("Seq Scan on ").or_else(|| first("Sample Scan on ")) {
        return Some((Some(table), None));
    }
    let index = ["Index Scan using ", "Index Scan Backward using ", "Index Only Scan using "]
        .into_iter()
        .chain(["Index Only Scan Backward using ", "Bitmap Index Scan on "])
        .find_map(first)?;
    Some((None, Some(index)))
}

/// Whether a condition on an index narrows what is read of it: one on its first key, other than that there is a value.
fn narrows(condition: &str, first_key: &str) -> bool {
    let begins = |text: &str| {
        ["", "(", "ROW("].iter().any(|before| {
            text.strip_prefix(before).and_then(|rest| rest.strip_prefix(first_key)).is_some_and(|rest| {
                rest.starts_with([' ', ')', ',']) && !rest.trim_start_matches(')').starts_with(" IS NOT NULL")
            })
        })
    };
    condition.match_indices('(').any(|(place, _)| begins(&condition[place + 1..]))
}

impl Catalogue {
    /// What is wrong with a plan: the table, and how it is read.
    fn judge(&self, nodes: &[Node]) -> Vec<(String, String)> {
        let serves = |node: &Node| {
            let Some((_, Some(index))) = reading(&node.label) else { return false };
            let Some((_, first_key)) = self.indexes.get(index) else { return true };
            UNSETTLED.contains(&index) || node.condition.as_ref().is_some_and(|it| narrows(it, first_key))
        };
        let mut wrong = Vec::new();
        for (place, node) in nodes.iter().enumerate() {
            let Some((table, index)) = reading(&node.label) else { continue };
            let table = match index {
                Some(index) => self.indexes.get(index).map(|(table, _)| table),
                None => table.and_then(|table| self.tables.get(table)),
            };
            let Some(table) = table.filter(|table| GROWS.contains(&table.as_str())) else { continue };
            let above = node.within.map(|above| nodes[above].label.as_str()).unwrap_or_default();
            let beside = || nodes.iter().any(|other| other.within == node.within && serves(other));
            let is_served = index.is_some() && (serves(node) || above.starts_with("BitmapAnd") && beside());
            if !is_served && !is_bounded(nodes, place) && !never_runs(nodes, place) {
                let how = index.map_or("the whole table".to_owned(), |index| format!("the whole index {index}"));
                wrong.push((table.clone(), how));
            }
        }
        wrong
    }
}

/// Whether a node above knows before it begins that nothing is wanted.
fn never_runs(nodes: &[Node], place: usize) -> bool {
    let mut above = std::iter::successors(nodes[place].within, |&place| nodes[place].within);
    above.any(|place| nodes[place].never_runs)
}

/// Whether a limit ends the reading, since nothing between the two drops or gathers rows.
fn is_bounded(nodes: &[Node], place: usize) -> bool {
    let mut at = place;
    loop {
        if nodes[at].has_filter {
            return false;
        }
        match nodes[at].within {
            Some(above) if nodes[above].label.starts_with("Limit") => return true,
            Some(above)
                if ["LockRows", "Subquery Scan", "Result"].iter().any(|it| nodes[above].label.starts_with(it)) =>
            {
                at = above;
            }
            _ => return false,
        }
    }
}

/// The plans in PostgreSQL's log, read as far as it goes, each time that it is asked for.
pub struct Plans {
    path: PathBuf,
    log: BufReader<File>,
    read: u64,
    given_back: u64,
    catalogue: Catalogue,
    /// What is not known to be whole: the last message that was read.
    last: Vec<String>,
    found: BTreeMap<String, BTreeMap<Offence, String>>,
}

impl Plans {
    /// Reads this log, from where it is now.
    pub fn of(log: &Path, catalogue: Catalogue) -> Self {
        let mut file = File::open(log).unwrap();
        let read = file.seek(SeekFrom::End(0)).unwrap();
        let log = log.to_owned();
        let last = Vec::new();
        Self {
            path: log,
            log: BufReader::with_capacity(1 << 20, file),
            read,
            given_back: 0,
            catalogue,
            last,
            found: BTreeMap::new(),
        }
    }

    /// What the sessions of this database did wrong, once they have ended, each with its first plan.
    pub fn offences_in(&mut self, database: &str) -> BTreeMap<Offence, String> {
        self.read_on();
        // Of a database without a session every message is whole; the last one may be another's, and be read in part.
        if self.last.first().is_some_and(|line| line.starts_with(&format!("{database} "))) {
            self.keep(&self.last.clone());
        }
        self.found.remove(database).unwrap_or_default()
    }

    fn read_on(&mut self) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = self.log.read_until(b'\n', &mut line).unwrap();
            if line.last() != Some(&b'\n') {
                // Not all of it is there yet.
                self.log.seek_relative(-i64::try_from(length).unwrap()).unwrap();
                break;
            }
            self.read += u64::try_from(length).unwrap();
            line.pop();
            if line.first() != Some(&b'\t') && !is_context(&line) {
                let whole = std::mem::take(&mut self.last);
                self.keep(&whole);
            }
            if !self.last.is_empty() || is_plan(&line) {
                self.last.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
        if self.read - self.given_back > CHUNK {
            self.give_back();
        }
    }

    /// PostgreSQL writes on at the end, so that nothing is lost; where this cannot be done the file is as long as it is.
    fn give_back(&mut self) {
        self.given_back = self.read;
        let length = self.read.to_string();
        let arguments = ["--punch-hole", "--offset", "0", "--length", &length];
        let _ = Command::new("fallocate").args(arguments).arg(&self.path).output();
    }

    /// `message`: the first line, the query, the plan, then maybe where it was run.
    fn keep(&mut self, message: &[String]) {
        let Some((head, rest)) = message.split_first() else { return };
        let mut head = head.split(' ');
        let (database, application) = (head.next().unwrap_or_default(), head.next().unwrap_or_default());
        let end = rest.iter().position(|line| !line.starts_with('\t')).unwrap_or(rest.len());
        let (plan, context) = rest.split_at(end);
        let plan: Vec<String> = plan.iter().map(|line| line[1..].to_owned()).collect();
        let wrong = self.catalogue.judge(&nodes(&plan));
        if wrong.is_empty() {
            return;
        }
        let function = function(context);
        if function.is_none() && application == TEST || function.as_deref().is_some_and(is_a_test_s) {
            return;
        }
        let function = function.unwrap_or_else(|| "the server".to_owned());
        let query = plan.iter().take_while(|line| !line.contains("  (cost=")).cloned().collect::<Vec<_>>().join(" ");
        let words: Vec<_> = query.trim_start_matches("Query Text: ").split_whitespace().collect();
        for (table, how) in wrong {
            let mut reviewed = MAY_READ_ALL.iter().map(|it| (it.0, it.1));
            if reviewed.any(|it| it == (function.as_str(), table.as_str())) {
                continue;
            }
            let (function, statement) = (function.clone(), words.join(" "));
            let offence = Offence { function, table, how, statement };
            self.found.entry(database.to_owned()).or_default().entry(offence).or_insert_with(|| plan.join("\n"));
        }
    }
}

fn is_plan(line: &[u8]) -> bool {
    line.ends_with(b" ms  plan:")
}

fn is_context(line: &[u8]) -> bool {
    // Behind the prefix: the database, the application.
    let mut spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(place, _)| place);
    spaces.nth(1).is_some_and(|place| line[place + 1..].starts_with(b"CONTEXT:  "))
}

/// The innermost function of a context.
fn function(context: &[String]) -> Option<String> {
    context.iter().find_map(|line| {
        let line = line.split("CONTEXT:  ").last()?.trim_start_matches('\t');
        let name = line.strip_prefix("PL/pgSQL function ").or_else(|| line.strip_prefix("SQL function "))?;
        Some(name.trim_start_matches('"').split(['(', '"', ' ']).next()?.to_owned())
    })
}

/// Whether a test made this function for itself.
fn is_a_test_s(function: &str) -> bool {
    ["public.", "game.", "tap.", "pg_temp"].iter().any(|schema| function.starts_with(schema))
}
