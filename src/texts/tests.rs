use std::sync::LazyLock;

use serde_json::json;

use super::*;

const KINDS: [&str; 42] = [
    "missed",
    "help",
    "needs_more_help",
    "still_open",
    "owner_asked",
    "all_clear",
    "acknowledged",
    "one_time_code",
    "reminder",
    "invitation",
    "connected",
    "connection_ended",
    "pin_changed",
    "address_changed",
    "session_theft",
    "account_deleted",
    "account_restored",
    "goodbye",
    "checked_in",
    "checked_in_late",
    "attested",
    "access_ending",
    "card_ending",
    "payment_failed",
    "account_frozen",
    "account_thawed",
    "watcher_frozen",
    "grandfathered",
    "payment_returned",
    "daily_digest",
    "coverage_lost",
    "coverage_back",
    "drill",
    "drill_reminder",
    "webhook_off",
    "weekly_summary",
    "unreachable",
    "break_planned",
    "break_began",
    "break_ending",
    "break_ended",
    "pause_goes_on",
];

const CHECK_IN: &str = "https://app.pruuf.example/a/0123456789ABCDEFGHIJKLMNOPQRS";

fn texts() -> &'static Texts {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new().unwrap());
    &TEXTS
}

fn missed() -> Value {
    json!({
        "recipient": { "name": "Anna" },
        "public_url": "https://app.pruuf.example",
        "member": { "id": "m1", "name": "Mary Tanner" },
        "due": { "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "Pacific/Auckland", "at": "2026-11-20T20:00:00Z" },
        "last_heard": { "local": "2026-11-20T08:55:00", "at": "2026-11-19T19:55:00Z" },
        "contacts": [{ "id": "c1", "name": "Anna" }, { "id": "c2", "name": "Ben" }, { "id": "c3", "name": "Carla" }],
        "late_by_seconds": null,
        "acknowledged_by": null,
    })
}

/// The longest of what is usual: a name that is cut, a long city, and the link to the alert.
fn linked(changes: Value) -> Value {
    let due =
        json!({ "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "America/Argentina/Buenos_Aires" });
    let link = format!("https://app.pruuf.example/a/{}", "x".repeat(29));
    let name = json!({ "name": "Margaret O'Sullivan-Brown" });
    with(with(missed(), json!({ "due": due, "alert_link": link, "member": name })), changes)
}

fn all_clear() -> Value {
    json!({
        "recipient": { "name": "Anna" },
        "member": { "id": "m1", "name": "Mary Tanner" },
        "due": { "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "Pacific/Auckland" },
        "how": "checked_in", "by": null, "at_local": "2026-11-21T09:25:31", "outcome": null,
    })
}

fn on_break() -> Value {
    json!({
        "member": { "id": "m1", "name": "Margaret O'Sullivan" },
        "pause": { "first_on": "2026-11-21", "last_on": "2026-12-21" },
        "next": { "local_on": "2026-12-22", "local_time": "09:00:00", "time_zone": "Pacific/Auckland" },
    })
}

/// R5.3: what a break is, and that nobody is watched during it.
#[test]
fn r5_3_messages_of_a_break_say_its_days_and_what_they_mean() {
    let say = |kind: &str, language: &str, changes: Value| {
        let facts = with(on_break(), changes);
        let (title, body) = texts().push(kind, language, &facts);
        let (subject, text, html) = texts().email(kind, language, &facts);
        assert!(subject == title && text.contains(&body) && html.contains(&title.replace('\'', "&#x27;")), "{text}");
        format!("{title}. {body}")
    };
    let said = say("break_planned", "en", json!({}));
    assert_eq!(
        said,
        "Margaret O'Sullivan plans a break. From Saturday 21 November to Monday 21 December no check-in is expected, and nobody is told if it does not come. A call for help works as ever."
    );
    let said = say("break_planned", "en", json!({ "pause": { "first_on": "2026-11-21", "last_on": null } }));
    assert!(said.contains("From Saturday 21 November on, without an end, no check-in is expected"), "{said}");
    let said = say("break_planned", "en", json!({ "change": "cancelled" }));
    assert!(said.contains("given up a break. Check-ins are expected as usual. The next one is due on Tuesday 22 December at 09:00 (Auckland time)."), "{said}");
    let said = say("break_began", "en", json!({}));
    assert!(said.contains("is on a break. Until Monday 21 December no check-in"), "{said}");
    let said = say("break_ended", "en", json!({}));
    assert!(
        said.contains("is over. Check-ins are expected again. The next one is due on Tuesday 22 December"),
        "{said}"
    );
    let said = say("break_ending", "en", json!({}));
    assert!(
        said.contains("Your break ends tonight. Then we expect to hear from you again. Your next check-in is due"),
        "{said}"
    );
    assert!(say("pause_goes_on", "en", json!({})).contains("nobody is watching"));
    assert!(say("pause_goes_on", "en", json!({ "is_own": true })).contains("nobody is watching over you"));
    let said = say("break_planned", "es", json!({}));
    assert!(said.contains("Del sábado 21 de noviembre al lunes 21 de diciembre no se espera ningún aviso"), "{said}");
    assert!(say("pause_goes_on", "es", json!({})).contains("nadie está pendiente"));
}

fn left() -> Value {
    json!({ "other": { "id": "m1", "name": "Mary Tanner" }, "was_member": true, "was_contact": true, "alert_stays": false, "contacts_left": 0 })
}

fn with(mut facts: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        facts[name] = value.clone();
    }
    facts
}

/// R6.7
#[test]
fn a_missed_alert_says_all_that_matters() {
    let texts = texts();
    let (title, body) = texts.push("missed", "en", &missed());
    let (subject, text, html) = texts.email("missed", "en", &missed());
    assert_eq!(title, "Mary Tanner did not check in");
    assert_eq!(subject, title);
    for (part, words) in [
        (
            &body,
            vec![
                "09:00",
                "Auckland time",
                "08:55 on Friday 20 November",
                "Call now",
                "neighbour",
                "emergency number",
                "Ben and Carla",
            ],
        ),
        (
            &text,
            vec![
                "09:00",
                "Saturday 21 November",
                "Auckland time",
                "08:55 on Friday 20 November",
                "1. Call Mary Tanner now",
                "neighbour",
                "emergency number",
                "Also told: Ben and Carla\n",
                "I've got this",
                "https://app.pruuf.example",
            ],
        ),
        (
            &html,
            vec![
                "09:00",
                "Auckland time",
                "08:55 on Friday 20 November",
                "neighbour",
                "emergency number",
                "Ben and Carla",
                "I’ve got this",
                "app.pruuf.example",
            ],
        ),
    ] {
        for word in words {
            assert!(part.contains(word), "{word:?} is missing in:\n{part}");
        }
    }
    assert!(!body.contains("late") && !text.contains("late with"));
}

/// R6.7: "if the server itself was late, it says so".
#[test]
fn a_late_server_says_so() {
    let facts = with(missed(), json!({ "late_by_seconds": 2400 }));
    let (_, body) = texts().push("missed", "en", &facts);
    let (_, text, html) = texts().email("missed", "en", &facts);
    for part in [body, text, html, texts().sms("missed", "en", &facts)] {
        assert!(part.contains("40 minutes late"), "{part}");
    }
}

#[test]
fn an_alert_that_somebody_has_says_who() {
    let facts = with(missed(), json!({ "acknowledged_by": { "id": "c2", "name": "Ben" } }));
    let (_, body) = texts().push("missed", "en", &facts);
    assert!(body.contains("Ben has said \"I've got this\""), "{body}");
    let (_, text, _) = texts().email("missed", "en", &facts);
    assert!(text.contains("Ben has said") && !text.contains("Open the app and tap"), "{text}");
    assert!(texts().sms("missed", "en", &facts).contains("Ben has this"));
}

#[test]
fn a_member_never_heard_of_is_no_riddle() {
    let facts = with(missed(), json!({ "last_heard": null, "contacts": [{ "id": "c1", "name": "Anna" }] }));
    let (_, text, _) = texts().email("missed", "en", &facts);
    assert!(text.contains("Last heard of: never") && text.contains("Also told: nobody else"), "{text}");
    assert!(texts().sms("missed", "en", &facts).contains("last heard never"));
}

/// R6.6: every message about an alert that has room for it leads to its page; the SMS says what to do all the same.
#[test]
fn r6_6_messages_lead_to_the_page_of_their_alert() {
    let facts = linked(json!({}));
    let link = facts["alert_link"].as_str().unwrap();
    for kind in ["missed", "acknowledged", "all_clear", "help", "still_open", "needs_more_help", "owner_asked"] {
        let (_, text, html) = texts().email(kind, "en", &facts);
        assert!(text.contains(link) && !text.contains("Open Pruuf"), "{kind}: {text}");
        let href = format!("href=\"{}\"", link.replace('/', "&#x2f;"));
        assert!(
            html.contains(&href) && html.contains("Open the alert") && !html.contains("Open Pruuf"),
            "{kind}: {html}"
        );
    }
    let sms = texts().sms("missed", "en", &facts);
    assert!(
        sms.ends_with(&format!(" Call now: {link}")) && sms.contains("Due 09:00 Buenos Aires, last heard Fri 08:55"),
        "{sms}"
    );
    let (_, text, html) = texts().email("connected", "en", &json!({ "public_url": "https://app.pruuf.example" }));
    assert!(text.contains("Open Pruuf: https://app.pruuf.example") && html.contains("Open Pruuf</a>"), "{text}{html}");
}

/// A closing is somebody's word; only a check-in is the Member's own (R6.5, R4.9).
#[test]
fn a_closed_alert_never_says_that_all_is_well() {
    let ben = json!({ "id": "c2", "name": "Ben" });
    for (outcome, word) in [
        (json!("safe"), "says: safe"),
        (json!("false_alarm"), "says: a false alarm"),
        (json!("got_help"), "says: got help"),
        (json!("other"), "did not say more"),
        (json!(null), "did not say more"),
    ] {
        let facts = with(all_clear(), json!({ "how": "closed", "by": ben, "outcome": outcome }));
        let (title, body) = texts().push("all_clear", "en", &facts);
        let (subject, text, html) = texts().email("all_clear", "en", &facts);
        let sms = texts().sms("all_clear", "en", &facts);
        assert!(body.contains(word) && text.contains(word), "{body}\n{text}");
        for part in [title, body, subject, text, html, sms] {
            let lower = part.to_lowercase();
            assert!(!lower.contains("is ok") && !lower.contains("is safe") && !lower.contains("has checked in:"));
            assert!(!lower.contains("mary tanner checked in") && !lower.contains("mary tanner has checked in"));
        }
    }
    let (title, body) = texts().push("all_clear", "en", &all_clear());
    assert_eq!(title, "Mary Tanner has checked in");
    assert_eq!(body, "Mary Tanner checked in at 09:25 on Saturday 21 November. The alert is over.");
}

/// How an alert ended is unknown: that must not read as a check-in.
#[test]
fn an_all_clear_without_facts_claims_no_check_in() {
    let (title, body) = texts().push("all_clear", "en", &json!({}));
    assert!(!title.contains("has checked in") && body.contains("no check-in"), "{title} {body}");
}

/// providers.md: "keep a text to one segment where it can be"; R7.7 in each language, with the names that are usual there.
#[test]
fn r7_7_typical_sms_are_one_segment() {
    let due = json!({ "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "Pacific/Auckland" });
    let cases = [
        ("missed", missed()),
        ("missed", with(missed(), json!({ "member": { "name": "Margaret O'Sullivan" } }))),
        ("missed", with(missed(), json!({ "last_heard": null }))),
        ("missed", with(missed(), json!({ "acknowledged_by": { "name": "Ben" } }))),
        ("missed", linked(json!({}))),
        ("missed", linked(json!({ "phones": ["+5491112345678"] }))),
        ("missed", linked(json!({ "phones": ["+5491112345678"], "last_heard": null }))),
        ("missed", linked(json!({ "phones": ["+5491112345678"], "late_by_seconds": 2400 }))),
        ("help", linked(json!({ "round": 2, "phones": ["+5491112345678"] }))),
        ("still_open", linked(json!({ "phones": ["+5491112345678"], "open_for_seconds": 1200 }))),
        ("still_open", linked(json!({ "phones": ["+5491112345678"], "had_by": { "name": "Christopher Fitzgerald" } }))),
        (
            "needs_more_help",
            linked(json!({ "phones": ["+5491112345678"], "by": { "name": "Christopher Fitzgerald" } })),
        ),
        (
            "unreachable",
            linked(json!({ "phones": ["+5491112345678"], "unreached": { "name": "Christopher Fitzgerald" } })),
        ),
        ("help", linked(json!({ "round": 2, "acknowledged_by": { "name": "Christopher Fitzgerald" } }))),
        ("still_open", linked(json!({ "open_for_seconds": 1200 }))),
        ("still_open", linked(json!({ "had_by": { "name": "Christopher Fitzgerald" } }))),
        ("still_open", linked(json!({ "acknowledged_by": { "name": "Christopher Fitzgerald" } }))),
        ("needs_more_help", linked(json!({ "by": { "name": "Christopher Fitzgerald" } }))),
        (
            "needs_more_help",
            linked(
                json!({ "by": { "name": "Christopher Fitzgerald" }, "acknowledged_by": { "name": "Christopher Fitzgerald" } }),
            ),
        ),
        ("owner_asked", linked(json!({ "answers_within_seconds": 900 }))),
        ("missed", linked(json!({ "last_heard": null, "late_by_seconds": 2400 }))),
        ("missed", linked(json!({ "acknowledged_by": { "name": "Christopher Fitzgerald" } }))),
        ("missed", linked(json!({ "acknowledged_by": { "name": "Christopher Fitzgerald" }, "late_by_seconds": 2400 }))),
        ("help", json!({ "member": { "name": "Margaret O'Sullivan" }, "alert_kind": "help", "round": 2 })),
        ("needs_more_help", with(missed(), json!({ "by": { "name": "Ben Carter" } }))),
        ("all_clear", with(all_clear(), json!({ "how": "cancelled", "due": null, "alert_kind": "help" }))),
        ("still_open", with(missed(), json!({ "open_for_seconds": 1200 }))),
        ("still_open", with(missed(), json!({ "open_for_seconds": 1200, "had_by": { "name": "Ben Carter" } }))),
        ("still_open", json!({ "member": { "name": "Mary Tanner" }, "alert_kind": "help", "open_for_seconds": 1200 })),
        ("owner_asked", with(missed(), json!({ "had_for_seconds": 3600, "answers_within_seconds": 900 }))),
        ("all_clear", all_clear()),
        ("all_clear", with(all_clear(), json!({ "how": "closed", "by": { "name": "Ben" }, "outcome": "false_alarm" }))),
        (
            "acknowledged",
            with(missed(), json!({ "by": { "name": "Ben Carter" }, "arrives_local": "2026-11-21T09:40:00" })),
        ),
        ("one_time_code", json!({ "code": "482913", "minutes": 10 })),
        ("reminder", json!({ "due": due, "phase": "before", "alert_local_time": "09:10:00" })),
        ("reminder", json!({ "due": due, "phase": "at_time", "alert_local_time": "09:10:00" })),
        ("reminder", json!({ "due": due, "phase": "half_grace", "alert_local_time": "09:10:00" })),
        (
            "reminder",
            json!({ "due": due, "phase": "before", "alert_local_time": "09:10:00", "check_in_link": CHECK_IN }),
        ),
        (
            "reminder",
            json!({ "due": due, "phase": "at_time", "alert_local_time": "09:10:00", "check_in_link": CHECK_IN }),
        ),
        (
            "reminder",
            json!({ "due": due, "phase": "half_grace", "alert_local_time": "09:10:00", "check_in_link": CHECK_IN }),
        ),
        (
            "invitation",
            json!({ "inviter": { "name": "Mary Tanner" }, "becomes": "contact", "code": "K7M2QP", "expires_on": "2026-12-21", "link": "https://app.pruuf.example/i/ABCDEFGHIJKLMNOPQRSTUVWX" }),
        ),
        (
            "invitation",
            json!({ "inviter": { "name": "Anna" }, "becomes": "member", "code": "K7M2QP", "expires_on": "2026-12-21", "link": "https://app.pruuf.example/i/ABCDEFGHIJKLMNOPQRSTUVWX" }),
        ),
        ("connected", json!({ "other": { "name": "Mary Tanner" }, "becomes": "contact" })),
        ("connected", json!({ "other": { "name": "Anna" }, "becomes": "member" })),
        (
            "checked_in",
            json!({ "member": { "name": "Mary Tanner" }, "at_local": "2026-11-21T09:05:00", "is_late": true, "due": due }),
        ),
        ("access_ending", json!({ "why": "trialing", "days": 7 })),
        ("access_ending", json!({ "why": "cancelled", "days": 1 })),
        ("payment_failed", json!({ "days": 7 })),
        ("card_ending", json!({ "card_expires_on": "2026-12-31", "paid_local": "2027-01-15T10:00:00" })),
        ("account_frozen", json!({ "needs_payment": true })),
        ("account_thawed", json!({})),
        ("grandfathered", json!({})),
        ("payment_returned", json!({ "why": "paid_twice" })),
        (
            "watcher_frozen",
            json!({ "phase": "soon", "is_own": true, "contact": { "name": "Margaret" }, "member": { "name": "Mary Tanner" } }),
        ),
        (
            "watcher_frozen",
            json!({ "phase": "now", "is_own": false, "contact": { "name": "Ben" }, "member": { "name": "Mary Tanner" } }),
        ),
        (
            "watcher_frozen",
            json!({ "phase": "over", "is_own": true, "contact": { "name": "Ben" }, "member": { "name": "Mary Tanner" } }),
        ),
        ("attested", json!({ "by": { "name": "Margaret O'Sullivan" }, "due": due })),
        ("all_clear", with(all_clear(), json!({ "how": "attested", "by": { "name": "Ben" } }))),
        (
            "daily_digest",
            json!({ "member": { "name": "Mary Tanner" }, "local_on": "2026-11-21", "slots": [
                { "local_time": "09:00:00", "state": "met_late", "at_local": "2026-11-21T09:05:00" },
                { "local_time": "18:00:00", "state": "missed", "at_local": null },
            ] }),
        ),
        ("unreachable", with(missed(), json!({ "unreached": { "name": "Margaret O'Sullivan" } }))),
        ("connection_ended", json!({ "other": { "name": "Mary Tanner" } })),
        ("connection_ended", json!({ "other": { "name": "Mary Tanner" }, "contacts_left": 0 })),
        ("coverage_lost", json!({ "is_own": true, "reason": "no_contact" })),
        ("coverage_lost", json!({ "is_own": true, "reason": "too_few_channels" })),
        ("coverage_lost", json!({ "is_own": true, "reason": "no_entitled_contact" })),
        ("coverage_lost", json!({ "member": { "name": "Margaret O'Sullivan" }, "reason": "no_entitled_contact" })),
        ("coverage_lost", json!({ "member": { "name": "Margaret O'Sullivan" }, "can_help": true })),
        ("coverage_lost", json!({ "member": { "name": "Margaret O'Sullivan" } })),
        ("coverage_back", json!({ "member": { "name": "Margaret O'Sullivan" } })),
        ("drill", json!({ "asked_by": { "name": "Margaret O'Sullivan" } })),
        ("drill", json!({ "is_own": true })),
        ("drill_reminder", json!({ "is_member": true })),
        ("webhook_off", json!({ "reason": "gone" })),
        ("webhook_off", json!({ "reason": "failing" })),
        (
            "weekly_summary",
            json!({
                "members": [{ "member": { "name": "Margaret O'Sullivan" }, "expected": 28, "checked_in": 26, "late": 10, "missed": 1, "open": 1 }],
                "all": { "people": 1, "expected": 28, "checked_in": 26 },
            }),
        ),
        (
            "weekly_summary",
            json!({ "members": [{}, {}], "all": { "people": 50, "expected": 1400, "checked_in": 1390 } }),
        ),
        ("weekly_summary", json!({ "own": { "expected": 28, "checked_in": 26, "late": 10, "missed": 1, "open": 1 } })),
        ("weekly_summary", json!({ "own": { "expected": 0 } })),
        ("pin_changed", json!({ "how": "recovered" })),
        ("address_changed", json!({ "how": "added" })),
        ("address_changed", json!({ "how": "removed" })),
        ("address_changed", json!({ "how": "this_removed" })),
        ("session_theft", json!({})),
        ("account_deleted", with(left(), json!({ "was_contact": false, "alert_stays": true }))),
        ("account_deleted", with(left(), json!({ "was_member": false, "contacts_left": 1 }))),
        ("account_deleted", with(left(), json!({ "was_member": false, "contacts_left": 0 }))),
        ("account_deleted", left()),
        ("account_restored", json!({ "other": { "name": "Mary Tanner" }, "is_member": true, "is_contact": true })),
        ("account_restored", json!({ "missing": [] })),
        ("account_restored", json!({ "missing": [{ "id": "c", "name": "Margaret O'Sullivan" }] })),
        ("goodbye", json!({ "until_on": "2026-12-21", "is_member": true })),
        ("break_planned", on_break()),
        ("break_planned", with(on_break(), json!({ "pause": { "first_on": "2026-12-21" } }))),
        ("break_planned", with(on_break(), json!({ "change": "changed" }))),
        ("break_planned", with(on_break(), json!({ "change": "cancelled" }))),
        ("break_began", on_break()),
        ("break_ending", on_break()),
        ("break_ended", on_break()),
        ("pause_goes_on", on_break()),
        ("pause_goes_on", with(on_break(), json!({ "is_own": true }))),
    ];
    let in_spanish = |facts: &Value| {
        let mut text = facts.to_string();
        for (name, other) in [
            ("Mary Tanner", "María Gutiérrez Ríos"),
            ("Margaret O'Sullivan-Brown", "María del Ángel Núñez Ávila"),
            ("Margaret O'Sullivan", "Concepción Rodríguez"),
            ("Christopher Fitzgerald", "Ramón Íñiguez Fernández"),
            ("Ben Carter", "José Martín"),
            ("Pacific/Auckland", "America/Mexico_City"),
        ] {
            text = text.replace(name, other);
        }
        serde_json::from_str::<Value>(&text).unwrap()
    };
    for (kind, facts) in cases {
        for (language, facts) in
            [("en", facts.clone()), ("en", in_spanish(&facts)), ("es", facts.clone()), ("es", in_spanish(&facts))]
        {
            let sms = texts().sms(kind, language, &facts);
            assert_eq!(gsm::segments(&sms), 1, "{kind} {language}: {} letters: {sms}", sms.chars().count());
            assert!(!sms.contains('\n') && !sms.contains("  "), "{sms:?}");
        }
    }
}

/// R7.7: names of the whole world reach their readers as they are written, be it in two messages.
#[test]
fn r7_7_no_name_is_mangled() {
    for name in ["Łukasz Żak", "Мария Иванова", "山田 花子", "Zoë", "Đorđe"] {
        for (kind, language) in [("missed", "en"), ("missed", "es"), ("help", "es"), ("still_open", "es")] {
            let sms = texts().sms(kind, language, &linked(json!({ "member": { "name": name } })));
            assert!(sms.contains(name) && sms.contains("https://app.pruuf.example/a/"), "{sms}");
        }
    }
    let sms = texts().sms(
        "help",
        "es",
        &linked(json!({ "member": { "name": "Łukasz" }, "acknowledged_by": { "name": "María" } })),
    );
    assert!(sms.contains("¡Łukasz necesita ayuda! María se encarga."), "{sms}");
    let sms = texts().sms("help", "es", &linked(json!({ "member": { "name": "Íñigo" } })));
    assert!(sms.contains("¡Iñigo necesita ayuda! Llame"), "{sms}");
}

/// An SMS leaves out the least that it can.
#[test]
fn an_sms_is_only_as_brief_as_it_must_be() {
    let short = linked(json!({ "member": { "name": "Eva" }, "due": missed()["due"], "phones": ["+6421555010"] }));
    let sms = texts().sms("missed", "en", &short);
    assert!(sms.contains("Due 09:00 Auckland, last heard Fri 08:55. Call +6421555010. https://"), "{sms}");
    let long = linked(json!({ "phones": ["+5491112345678"] }));
    let sms = texts().sms("missed", "en", &long);
    assert!(sms.contains("Due 09:00, last heard Fri 08:55. Call +5491112345678. https://"), "{sms}");
    let sms = texts().sms("missed", "es", &long);
    assert!(
        sms.contains("no ha avisado. Hora: 09:00, ultima señal vie 08:55. Llame: +5491112345678. https://"),
        "{sms}"
    );
}

/// R4.12, in both languages; what is not known is not said, and of an SMS it is the first to go.
#[test]
fn r4_12_an_alarm_says_when_the_phone_was_last_seen() {
    let seen = json!({ "last_seen": { "local": "2026-11-21T07:12:00", "battery_percent": 4 } });
    let unknown = json!({ "last_seen": { "local": "2026-11-21T07:12:00", "battery_percent": null } });
    for kind in ["missed", "help", "still_open", "needs_more_help"] {
        for (language, words, battery) in [
            ("en", "Phone last seen: 07:12 on Saturday 21 November", ", battery 4 %"),
            ("es", "Teléfono encendido por última vez: sábado 21 de noviembre a las 07:12", ", batería al 4 %"),
        ] {
            let email = |changes: &Value| {
                let (_, text, html) = texts().email(kind, language, &with(missed(), changes.clone()));
                [text, html.replace("<b>", "").replace("</b>", "")]
            };
            for part in email(&seen) {
                assert!(part.contains(&format!("{words}{battery}")), "{kind}: {part}");
            }
            for part in email(&unknown) {
                assert!(part.contains(words) && !part.contains('%'), "{kind}: {part}");
            }
            for part in email(&json!({ "last_seen": null })) {
                assert!(!part.contains("Phone last") && !part.contains("encendido"), "{kind}: {part}");
            }
        }
    }
    let short = json!({ "member": { "name": "Eva" }, "alert_link": "https://app.pruuf.example/a/x", "phones": ["+6421555010"] });
    let short = with(missed(), short);
    let sms = texts().sms("missed", "en", &with(short.clone(), seen.clone()));
    assert!(sms.contains("last heard Fri 08:55, phone seen Sat 07:12 4%. Call +6421555010."), "{sms}");
    let sms = texts().sms("missed", "es", &with(short, seen.clone()));
    assert!(sms.contains("vie 08:55, teléfono sab 07:12 4%. Llame: +6421555010."), "{sms}");
    let long = linked(json!({ "phones": ["+5491112345678"] }));
    assert_eq!(texts().sms("missed", "en", &with(long.clone(), seen)), texts().sms("missed", "en", &long));
}

/// R3.4: what a day was, in the Member's words of time.
#[test]
fn a_digest_says_what_the_day_was() {
    let day = |slots: Value| {
        let facts = json!({ "member": { "name": "Mary" }, "local_on": "2026-11-21", "time_zone": "Pacific/Auckland", "slots": slots });
        let (title, body) = texts().push("daily_digest", "en", &facts);
        let (_, text, html) = texts().email("daily_digest", "en", &facts);
        let sms = texts().sms("daily_digest", "en", &facts);
        assert_eq!(title, "Mary today");
        (body, text, html, sms)
    };
    for (state, words) in [
        ("met", "checked in at 08:55"),
        ("met_late", "checked in late, at 08:55"),
        ("missed", "missed"),
        ("excused", "on a break"),
        ("open", "still open"),
    ] {
        let (body, text, html, sms) =
            day(json!([{ "local_time": "09:00:00", "state": state, "at_local": "2026-11-21T08:55:00" }]));
        for part in [body, text, html, sms] {
            assert!(part.contains("09:00") && part.contains(words), "{state}: {part}");
        }
    }
    let (body, text, html, sms) = day(json!([]));
    for part in [body, text, html, sms] {
        assert!(part.contains("Day off: no check-in was expected."), "{part}");
    }
}

/// R3.1: the page shows who invites to what, whatever they are called, and how to go on.
#[test]
fn r3_1_the_page_of_an_invitation_escapes_everything() {
    let facts = json!({ "inviter": { "name": "<b>Eve</b> & \"co\"" }, "becomes": "member", "code": "<i>", "expires_on": "<u>", "style": "body{}" });
    let page = texts().page("invitation", "en", &facts);
    assert!(page.contains("&lt;b&gt;Eve") && page.contains("&lt;i&gt;") && page.contains("&lt;u&gt;"), "{page}");
    assert!(page.contains("asks you to check in once a day") && page.contains("<style>body{}</style>"), "{page}");
    let pages = files_in!("en") as &[(&str, &str)];
    for (name, language) in pages
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("en/")?.strip_suffix(".page.html"))
        .flat_map(|name| LANGUAGES.map(|language| (name, language)))
    {
        for facts in [json!({}), json!(null)] {
            let page = texts().page(name, language, &facts);
            assert!(page.contains(&format!("<html lang=\"{language}\">")), "{page}");
            assert!(
                page.starts_with("<!doctype html>") && page.contains("noindex") && !page.contains("<script"),
                "{page}"
            );
        }
    }
}

/// One bad name must not reach into a line, a header, a tag or a second message.
#[test]
fn names_cannot_inject() {
    let evil = "<b>Eve</b>\r\nBcc: x@example.org\u{202e}\u{7}\u{2028}\"{{ code }}";
    for (kind, language) in KINDS.into_iter().flat_map(|kind| LANGUAGES.map(|language| (kind, language))) {
        let person = json!({ "id": "e", "name": evil });
        let facts = json!({
            "recipient": person, "member": person, "by": person, "other": person, "inviter": person,
            "name": evil, "acknowledged_by": person, "contacts": [person, person], "code": "SECRET",
            "due": { "local_on": evil, "local_time": evil, "time_zone": evil }, "how": "closed", "outcome": evil,
            "last_heard": { "local": evil }, "expires_on": evil, "public_url": "https://x.example/?a=\"><script>",
        });
        let (title, body) = texts().push(kind, language, &facts);
        let (subject, text, html) = texts().email(kind, language, &facts);
        let sms = texts().sms(kind, language, &facts);
        for part in [&title, &subject, &sms] {
            assert!(!part.chars().any(char::is_control), "{kind}: {part:?}");
        }
        for part in [&title, &body, &subject, &text, &sms, &html] {
            assert!(!part.chars().any(|c| c != '\n' && is_unprintable(c)), "{kind}: {part:?}");
            assert!(!part.lines().any(|line| line.starts_with("Bcc:")), "{kind}: {part}");
        }
        assert!(!html.contains("<b>Eve") && !html.contains("<script>"), "{kind}: {html}");
    }
}

/// R6.2: nobody reads of a check-in that was never due.
#[test]
fn r6_2_a_call_for_help_speaks_of_no_check_in() {
    let call = json!({ "member": { "id": "m1", "name": "Mary" }, "alert_kind": "help", "raised_local": "2026-11-21T22:14:00", "time_zone": "Pacific/Auckland",
        "by": { "id": "c2", "name": "Ben" }, "contacts": [{ "id": "c1", "name": "Anna" }], "had_by": null, "open_for_seconds": 600 });
    for (kind, how, words) in [
        ("help", "", "needs help"),
        ("needs_more_help", "", "needs more help"),
        ("still_open", "", "still needs help"),
        ("acknowledged", "", "Ben"),
        ("owner_asked", "", "Mary"),
        ("all_clear", "cancelled", "took back the call for help"),
        ("all_clear", "closed", "Ben closed the alert"),
    ] {
        let facts = with(call.clone(), json!({ "how": how, "outcome": "safe" }));
        let (title, body) = texts().push(kind, "en", &facts);
        let (subject, text, html) = texts().email(kind, "en", &facts);
        let sms = texts().sms(kind, "en", &facts);
        for part in [format!("{title}\n{body}"), format!("{subject}\n{text}"), html, sms] {
            assert!(part.contains(words), "{kind}: {part}");
            for wrong in ["check in", "check-in was", "no check-in", "No check-in", "checked in", "due", "Due", "()"] {
                let part = part.replace("daily check-in", "").to_owned();
                assert!(!part.contains(wrong), "{kind}: {wrong:?} in {part}");
            }
        }
    }
}

/// An alert is never lost to a fact that is missing or of another shape.
#[test]
fn every_text_renders_whatever_the_facts() {
    let texts = texts();
    let odd = json!({ "member": 7, "due": "x", "contacts": { "a": 1 }, "late_by_seconds": "x", "last_heard": [], "recipient": null, "by": null });
    for (kind, language) in KINDS.into_iter().flat_map(|kind| ["en", "es", "xx"].map(|language| (kind, language))) {
        for facts in [json!({}), json!(null), odd.clone()] {
            let (title, body) = texts.push(kind, language, &facts);
            let (subject, text, html) = texts.email(kind, language, &facts);
            let sms = texts.sms(kind, language, &facts);
            for part in [&title, &body, &subject, &text, &html, &sms] {
                assert!(!part.is_empty() && !part.contains("has news for you"), "{kind}: {part}");
                assert!(!part.contains("tiene noticias para usted"), "{kind}: {part}");
                assert!(!part.contains("none") && !part.contains("undefined"), "{kind}: {part}");
            }
            assert!(html.starts_with("<!doctype html>") && html.contains("</html>"));
        }
    }
}

#[test]
fn an_unknown_kind_still_calls_for_the_app() {
    let (title, body) = texts().push("from_the_future", "en", &json!({}));
    assert_eq!((title.as_str(), body.as_str()), ("Pruuf has news for you", "Please open the app now."));
    assert_eq!(
        texts().sms("from_the_future", "es", &json!({})),
        "Pruuf tiene noticias para usted. Abra la aplicacion ahora."
    );
}

/// R7.7: what a template says in one language it says in the other, of the same facts.
#[test]
fn r7_7_every_text_is_there_in_each_language_and_of_the_same_facts() {
    let texts = texts();
    let facts_of = |name: &str| {
        let template = texts.templates.get_template(name).unwrap();
        let mut facts: Vec<_> = template.undeclared_variables(true).into_iter().collect();
        facts.sort();
        facts
    };
    let english: Vec<&str> =
        SOURCES.iter().copied().flatten().filter_map(|(name, _)| name.strip_prefix("en/")).collect();
    for kind in KINDS {
        for part in ["push.txt", "email.txt", "email.html", "sms.txt"] {
            assert!(english.contains(&format!("{kind}.{part}").as_str()), "{kind}.{part}");
        }
    }
    assert_eq!(english.len() * LANGUAGES.len(), SOURCES.iter().copied().flatten().count());
    for language in LANGUAGES {
        let files = std::fs::read_dir(format!("{}/src/texts/{language}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(files.count(), english.len(), "a file of {language} is in no list");
        for name in &english {
            assert_eq!(facts_of(&format!("{language}/{name}")), facts_of(&format!("en/{name}")), "{language}/{name}");
        }
    }
}

/// R7.7: nothing that a text puts together is left in another language.
#[test]
fn r7_7_every_word_is_there_in_each_language() {
    let macros = |language: &str| {
        let name = format!("{language}/words.txt");
        let source = SOURCES.iter().copied().flatten().find(|(file, _)| *file == name).unwrap().1;
        let mut names: Vec<&str> =
            source.split("{% macro ").skip(1).map(|rest| rest.split_once(')').unwrap().0).collect();
        names.sort_unstable();
        names
    };
    let english = macros("en");
    assert!(english.len() > 10);
    for language in LANGUAGES {
        let has = macros(language);
        assert!(english.iter().all(|name| has.contains(name)), "{language}: {has:?}");
    }
}

/// R6.7, R7.7
#[test]
fn r7_7_a_missed_alert_says_all_that_matters_in_spanish() {
    let facts = with(
        missed(),
        json!({ "late_by_seconds": 2400, "phones": ["+64215550100"],
        "due": { "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "America/New_York" } }),
    );
    let (title, body) = texts().push("missed", "es-MX", &facts);
    let (subject, text, html) = texts().email("missed", "es-MX", &facts);
    assert_eq!(title, "Mary Tanner no ha avisado que está bien");
    assert_eq!(subject, title);
    for part in [&body, &text, &html] {
        for word in [
            "09:00",
            "hora de Nueva York",
            "viernes 20 de noviembre a las 08:55",
            "Ben y Carla",
            "40 minutos tarde",
            "número de emergencias",
            "+64215550100",
        ] {
            assert!(part.contains(word), "{word:?} is missing in:\n{part}");
        }
    }
    assert!(text.contains("09:00 del sábado 21 de noviembre (hora de Nueva York)"), "{text}");
    assert!(text.starts_with("Hola, Anna:\n"), "{text}");
    assert!(html.contains("<a href=\"tel:+64215550100\">+64215550100</a>"), "{html}");
}

/// R7.7: words that change with what is beside them.
#[test]
fn r7_7_spanish_words_follow_their_neighbours() {
    let said = |name: &str, args: &[Fact]| texts().word("es", name, args);
    let names = |names: &[&str]| names.iter().map(|name| Fact::from(*name)).collect::<Vec<_>>().into();
    for (list, text) in [
        (vec!["Ana"], "Ana"),
        (vec!["Ana", "Inés"], "Ana e Inés"),
        (vec!["Ana", "Íñigo"], "Ana e Íñigo"),
        (vec!["Ana", "Hilda"], "Ana e Hilda"),
        (vec!["Ana", "Hiela"], "Ana y Hiela"),
        (vec!["Ana", "Luis", "Yolanda"], "Ana, Luis y Yolanda"),
    ] {
        assert_eq!(said("joined", &[names(&list)]), text);
    }
    let at = |time: &str| moment_of(&Fact::from(time)).unwrap();
    assert_eq!(said("at_time", &[at("01:05:00")]), "a la 01:05");
    assert_eq!(said("at_time", &[at("13:00:00")]), "a las 13:00");
    assert_eq!(said("time_and_day", &[at("2026-11-21T09:25:31")]), "sábado 21 de noviembre a las 09:25");
    assert_eq!(said("weekday_and_time", &[at("2026-11-18T09:25:31")]), "mié 09:25");
    assert_eq!(said("short_day", &[at("2027-01-02")]), "2 ene");
    for (count, unit, text) in [(1, "hour", "1 hora"), (2, "minute", "2 minutos"), (40, "second", "40 segundos")] {
        assert_eq!(said("span", &[count.into(), unit.into()]), text);
    }
}

/// R7.7: a call speaks the language of whoever is called, and a phone number is said digit by digit.
#[test]
fn r7_7_a_call_speaks_its_readers_language() {
    let facts = linked(json!({ "phones": ["+64215550100"] }));
    for (language, voice, words) in [
        ("en", "<Say language=\"en-US\" voice=\"Polly.Joanna\">", ["press 1", "plus 6 4 2, 1 5 5, 5 0 1, 0 0"]),
        ("es", "<Say language=\"es-MX\" voice=\"Polly.Mia\">", ["pulse 1", "más 6 4 2, 1 5 5, 5 0 1, 0 0"]),
    ] {
        let twiml = texts().call("missed", language, &facts, "https://app.pruuf.example/k");
        assert_eq!(twiml.matches("<Say").count(), twiml.matches(voice).count(), "{twiml}");
        for word in words {
            assert_eq!(twiml.matches(word).count(), 2, "it is said twice: {twiml}");
        }
        assert!(!twiml.contains("+64215550100"), "{twiml}");
        for answer in ["acknowledged", "more_help", "has_an_owner", "heard", "over", "unknown_key"] {
            let said = texts().twiml("call_answer", language, &json!({ "answer": answer, "action": "/k" }));
            assert_eq!((said.matches("<Say").count(), said.matches(voice).count()), (1, 1), "{said}");
        }
    }
}

/// Who is called about their own check-in is asked for one key, which is a check-in.
#[test]
fn a_call_that_reminds_asks_for_one_key() {
    let facts = json!({ "due": { "local_on": "2026-11-21", "local_time": "09:00:00", "time_zone": "Pacific/Auckland" }, "phase": "at_time", "alert_local_time": "2026-11-21T09:10:00" });
    for (language, ask, not) in
        [("en", "If you are OK, press 1.", "press 2"), ("es", "Si está bien, pulse 1.", "pulse 2")]
    {
        let twiml = texts().call("reminder", language, &facts, "/k");
        assert_eq!(twiml.matches(ask).count(), 2, "{twiml}");
        assert!(twiml.contains("09:10") && !twiml.contains(not) && !twiml.contains("tap"), "{twiml}");
        let again = texts().twiml(
            "call_answer",
            language,
            &json!({ "answer": "unknown_key", "kind": "reminder", "action": "/k" }),
        );
        assert!(again.contains(ask) && !again.contains(not), "{again}");
    }
}

/// R7.7, R6.6: what answers a text fits into one.
#[test]
fn r7_7_every_reply_is_one_segment_in_each_language() {
    let facts = json!({ "member": { "name": "María del Ángel Núñez Ávila" }, "acknowledged_by": { "name": "Ramón Íñiguez Fernández" },
                        "has_ended": true, "watched": { "name": "María del Ángel Núñez Ávila" },
                        "next": { "local_on": "2026-11-25", "local_time": "09:00:00", "time_zone": "Pacific/Auckland" } });
    for language in LANGUAGES {
        for answer in [
            "checked_in",
            "still_awaited",
            "not_awaited",
            "acknowledged",
            "more_help",
            "has_an_owner",
            "over",
            "no_alert",
            "several_alerts",
            "unknown_number",
            "no_member",
            "not_understood",
        ] {
            for watched in [json!(null), facts["watched"].clone()] {
                let facts = with(facts.clone(), json!({ "answer": answer, "watched": watched }));
                let twiml = texts().twiml("reply", language, &facts);
                let text = twiml.split_once("<Message>").unwrap().1.split_once("</Message>").unwrap().0;
                let text = text.replace("&#x27;", "'").replace("&quot;", "\"");
                assert_eq!(gsm::segments(&text), 1, "{answer} {language}: {}: {text}", text.chars().count());
            }
        }
    }
}

/// RFC 9110, 12.5.4
#[test]
fn r7_7_what_an_app_asks_for_is_a_language_that_we_have() {
    for (header, language) in [
        ("es", Some("es")),
        ("es-419,es;q=0.9,en;q=0.8", Some("es")),
        ("en-US,en;q=0.9,es;q=0.8", Some("en")),
        ("fr-CA, es;q=0.4, en; q=0.7", Some("en")),
        ("ES-mx", Some("es")),
        ("en;q=0, es;q=0.1", Some("es")),
        ("en;q=0", None),
        ("fr, *", None),
        ("", None),
        (";;q=,,", None),
        ("en;q=x", None),
    ] {
        assert_eq!(preferred_language(header), language, "{header}");
    }
}

#[test]
fn an_unknown_language_is_english() {
    assert_eq!(texts().push("missed", "tlh", &missed()), texts().push("missed", "en-NZ", &missed()));
}

#[test]
fn a_code_is_never_to_be_given_away() {
    let facts = json!({ "code": "482913", "minutes": 10 });
    let (_, text, html) = texts().email("one_time_code", "en", &facts);
    for part in [text, html, texts().sms("one_time_code", "en", &facts)] {
        assert!(part.contains("482913") && part.contains("10 minutes") && part.contains("Never give it"), "{part}");
    }
    // A locked screen shows a push to everybody.
    let (title, body) = texts().push("one_time_code", "en", &facts);
    assert!(!title.contains("482913") && !body.contains("482913"));
}
