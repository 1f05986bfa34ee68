//! Refusals: raised once in SQL, listed once here, published in `openapi.yaml` (RFC 9457).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::error::ParsePathError;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use crate::telemetry::seldom;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:literal, $title:literal;)*) => {
        /// Why a request was refused. The slug is stable: clients decide by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] #[oai(rename = $slug)] #[serde(rename = $slug)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name, the HTTP status and the title.
            #[must_use]
            pub const fn parts(self) -> (&'static str, u16, &'static str) {
                match self { $(Self::$variant => ($slug, $status, $title),)* }
            }
        }
    };
}

codes! {
    MalformedRequest = "malformed-request", 400, "The request could not be read";
    NotSignedIn = "not-signed-in", 401, "Sign in first";
    SignInFailed = "sign-in-failed", 401, "The address or the PIN is wrong";
    NotTheProvider = "not-the-provider", 401, "This is not signed by the provider";
    TicketInvalid = "ticket-invalid", 401, "The ticket is used or too old";
    RefreshTokenInvalid = "refresh-token-invalid", 401, "Sign in again";
    AccountFrozen = "account-frozen", 402, "This needs a plan";
    NotAllowed = "not-allowed", 403, "This is not allowed";
    OnlyTheMemberMay = "only-the-member-may", 403, "Only the Member can do this";
    OnlyAContactMay = "only-a-contact-may", 403, "Only a Contact can do this";
    NotFound = "not-found", 404, "Not found";
    NoSchedule = "no-schedule", 404, "No time has been chosen yet";
    NoWelfareCard = "no-welfare-card", 404, "No welfare card has been written yet";
    NoPosition = "no-position", 404, "There is no position";
    WelfareCardNotShown = "welfare-card-not-shown", 404, "The welfare card is not shown now";
    InvitationUnknown = "invitation-unknown", 404, "No open invitation has this code";
    MethodNotAllowed = "method-not-allowed", 405, "This method is not for this path";
    Conflict = "conflict", 409, "This contradicts what is there";
    AddressTaken = "address-taken", 409, "This address already has an account";
    LastAddress = "last-address", 409, "The only verified address must stay";
    AddressTooNew = "address-too-new", 409, "This address is too new";
    TooManyAddresses = "too-many-addresses", 409, "The user has too many addresses";
    TooManyLinkedDevices = "too-many-linked-devices", 409, "The Member has too many linked devices";
    TooManyWebhooks = "too-many-webhooks", 409, "The user has too many webhooks";
    AlreadyInvited = "already-invited", 409, "Your invitation is still open";
    LastPrimaryContact = "last-primary-contact", 409, "One Contact at least must be primary";
    NothingToAttest = "nothing-to-attest", 409, "There is no check-in to speak for";
    BreaksOverlap = "breaks-overlap", 409, "There is another break";
    BreakHasBegun = "break-has-begun", 409, "The break has begun";
    BreakIsOver = "break-is-over", 409, "The break is over";
    BreakNeedsConfirmation = "break-needs-confirmation", 409, "A long break must be confirmed";
    NothingToPostpone = "nothing-to-postpone", 409, "No check-in is awaited now";
    AlreadyPostponed = "already-postponed", 409, "It has been put off once";
    TooLateToPostpone = "too-late-to-postpone", 409, "The time has passed";
    PostponedTooFar = "postponed-too-far", 409, "That is too far";
    NothingToPay = "nothing-to-pay", 409, "There is nothing to pay";
    AlreadySubscribed = "already-subscribed", 409, "You have this plan";
    NoSubscription = "no-subscription", 409, "There is no subscription";
    NobodyToDrill = "nobody-to-drill", 409, "Nobody would be told";
    LastAdmin = "last-admin", 409, "The last administrator must stay";
    OnlyACodeUnlocks = "only-a-code-unlocks", 409, "Only a recovery by code opens it";
    NotToBeResent = "not-to-be-resent", 409, "This is not sent again";
    AlertIsOver = "alert-is-over", 409, "The alert is over";
    NotACallForHelp = "not-a-call-for-help", 409, "This alert is no call for help";
    AlertHasAnOwner = "alert-has-an-owner", 409, "Somebody has the alert";
    TooManyContacts = "too-many-contacts", 409, "The Member has too many Contacts";
    TooManyMembers = "too-many-members", 409, "The Contact watches too many Members";
    IdempotencyKeyReused = "idempotency-key-reused", 409, "The Idempotency-Key came with another request";
    RehearsalIsDecidedAtBirth = "rehearsal-is-decided-at-birth", 409, "Not a database for rehearsals";
    DeliveryOnlyMovesUp = "delivery-only-moves-up", 409, "A delivery's state only moves up";
    LinkIsOver = "link-is-over", 410, "This link works no more";
    PreconditionFailed = "precondition-failed", 412, "It has changed meanwhile";
    BodyTooLarge = "body-too-large", 413, "The body is larger than 256 KiB";
    UnsupportedMediaType = "unsupported-media-type", 415, "The body must be application/json";
    Invalid = "invalid", 422, "A value is not valid";
    TimeZoneUnknown = "time-zone-unknown", 422, "There is no such time zone";
    BreakInThePast = "break-in-the-past", 422, "A break does not begin or end in the past";
    OwnAddress = "own-address", 422, "This is your own address";
    WeakPin = "weak-pin", 422, "This PIN is too easy to guess";
    PinWrong = "pin-wrong", 422, "This is not the PIN";
    CodeWrong = "code-wrong", 422, "This is not the code";
    CodeExpired = "code-expired", 422, "The code is no longer good";
    SignInLocked = "sign-in-locked", 423, "The sign-in is locked";
    AppTooOld = "app-too-old", 426, "This app is too old";
    TooManyRequests = "too-many-requests", 429, "Too many requests";
    TooManyCodes = "too-many-codes", 429, "A code was sent not long ago";
    TooManyTries = "too-many-tries", 429, "Too many wrong tries";
    TooManyDrills = "too-many-drills", 429, "Too many drills";
    TooManyInvitations = "too-many-invitations", 429, "Too many invitations";
    Internal = "internal", 500, "Something went wrong on our side";
    BillingUnavailable = "billing-unavailable", 503, "Payments do not work just now";
    Unavailable = "unavailable", 503, "Try again shortly";
}

impl Code {
    /// The code of a slug, if the table has it.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.parts().0 == slug)
    }

    /// What a violated constraint means to the one who asked, and the pointer to the value. Constraint names are API
    /// (docs/conventions.md).
    fn from_constraint(name: &str) -> Option<(Self, &'static str, &'static str)> {
        Some(match name {
            "one_account_per_address" => (Self::AddressTaken, "", "This address already has an account."),
            "user_name_is_1_to_80_characters" | "invitee_name_is_1_to_80_characters" => {
                (Self::Invalid, "/name", "A name has 1 to 80 characters.")
            }
            "user_name_is_plain" | "invitee_name_is_plain" => {
                (Self::Invalid, "/name", "A name is one line of text without links.")
            }
            "nickname_is_1_to_80_characters" => (Self::Invalid, "/nickname", "A nickname has 1 to 80 characters."),
            "device_name_is_1_to_100_characters" => {
                (Self::Invalid, "/device_name", "A device name has 1 to 100 characters.")
            }
            "linked_device_name_is_1_to_100_characters" => (Self::Invalid, "/name", "A name has 1 to 100 characters."),
            "push_token_is_1_to_4096_characters" => {
                (Self::Invalid, "/push_token", "A push token has 1 to 4096 characters.")
            }
            "grace_is_0_to_240_minutes" => (Self::Invalid, "/grace_minutes", "The grace is 0 to 240 minutes."),
            "schedule_has_one_to_four_times" => (Self::Invalid, "/local_times", "A schedule has one to four times."),
            "schedule_times_are_whole_minutes" => {
                (Self::Invalid, "/local_times", "Times are whole minutes from 00:00 to 23:59.")
            }
            "schedule_weekdays_are_iso" => {
                (Self::Invalid, "/weekdays", "Weekdays are 1 (Monday) to 7, at least one of them.")
            }
            "postponed_by_30_60_or_120_minutes" => (Self::Invalid, "/minutes", "Choose 30, 60 or 120 minutes."),
            "high_messages_have_a_channel" => {
                (Self::Invalid, "/channels/high", "Choose one channel at least: push, email or sms.")
            }
            "normal_messages_have_a_channel" => {
                (Self::Invalid, "/channels/normal", "Choose one channel at least: push, email or sms.")
            }
            "quiet_hours_have_a_length" => {
                (Self::Invalid, "/quiet_hours/until", "Quiet hours end at another time than they begin.")
            }
            "breaks_of_a_member_never_overlap" => (Self::BreaksOverlap, "", "There is another break on these days."),
            "break_ends_after_it_begins" => (Self::Invalid, "/last_on", "A break does not end before it begins."),
            "break_begins_before_2200" => (Self::Invalid, "/first_on", "A break lies before the year 2200."),
            "break_ends_before_2200" => (Self::Invalid, "/last_on", "A break lies before the year 2200."),
            "note_is_1_to_500_characters" => (Self::Invalid, "/note", "A note has 1 to 500 characters."),
            "alert_note_is_1_to_1000_characters" | "closing_note_is_1_to_1000_characters" => {
                (Self::Invalid, "/note", "A note has 1 to 1000 characters.")
            }
            "battery_is_0_to_100_percent" => (Self::Invalid, "/battery_percent", "A battery is 0 to 100 percent full."),
            "idempotency_key_is_1_to_200_characters" => {
                (Self::Invalid, "", "An Idempotency-Key has 1 to 200 characters.")
            }
            "invitation_code_is_free" => (Self::Unavailable, "", "Try again."),
            _ => return None,
        })
    }
}

/// One value of the request that is not as it must be: it has a pointer or a parameter.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the value in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The name of a parameter in the path, the query or the headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

/// An answer that refuses, as `application/problem+json`.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Problem {
    /// A page about this code.
    pub r#type: String,
    /// The stable name of the refusal.
    pub code: Code,
    /// What it means, in general.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it means here, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The values that are not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// How many tries are left, for `code-wrong`, `pin-wrong` and `sign-in-failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<i32>,
    /// Until when the sign-in is locked, for `sign-in-locked`; absent when only a recovery by code opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
    /// How many seconds to wait, for the header; in SQL the hint of a refusal.
    #[oai(skip)]
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this code, with nothing more to say.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let (slug, status, title) = code.parts();
        Self {
            r#type: format!("/docs/problems#{slug}"),
            code,
            title: title.to_owned(),
            status,
            detail: None,
            errors: None,
            tries_left: None,
            locked_until: None,
            retry_after: None,
        }
    }

    /// The same with a sentence that is safe to show.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into().into_owned());
        self
    }

    /// A value of the body that is not valid.
    #[must_use]
    pub fn at(pointer: &str, code: Code, detail: &str) -> Self {
        let mut problem = Self::new(code).detail(detail.to_owned());
        let (pointer, detail) = (Some(pointer.to_owned()), detail.to_owned());
        problem.errors = Some(vec![FieldError { pointer, parameter: None, detail }]);
        problem
    }

    /// A parameter that cannot be read; `must` says what it has to be.
    #[must_use]
    pub fn parameter(name: &str, must: &str) -> Self {
        let mut problem = Self::new(Code::MalformedRequest).detail(format!("The parameter {name} {must}"));
        problem.errors =
            Some(vec![FieldError { pointer: None, parameter: Some(name.to_owned()), detail: format!("It {must}") }]);
        problem
    }

    /// Whether the same call may succeed when it is simply made again (a serialization failure or a deadlock).
    #[must_use]
    pub fn is_conflict_of_transactions(error: &tokio_postgres::Error) -> bool {
        matches!(error.code(), Some(&(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED)))
    }
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            // Only the connection can fail here without the database saying why; what it carried is unknown.
            if let Some(repeats) = seldom("connection") {
                tracing::warn!(error.kind = "connection", log.repeats = repeats, "database unreachable");
            }
            return Self::new(Code::Unavailable);
        };
        if db.code().code().starts_with("UF")
            && let Some(code) = Code::from_slug(db.message())
        {
            let mut problem = Self::new(code);
            problem.retry_after = db.hint().and_then(|seconds| seconds.parse().ok());
            // In SQL a refusal names the value of the body as a column.
            problem.errors = db.column().map(|column| {
                let detail = db.detail().unwrap_or_default().to_owned();
                vec![FieldError { pointer: Some(format!("/{column}")), parameter: None, detail }]
            });
            return match db.detail() {
                Some(detail) => problem.detail(detail.to_owned()),
                None => problem,
            };
        }
        if let Some((code, pointer, detail)) = db.constraint().and_then(Code::from_constraint) {
            return if pointer.is_empty() { Self::new(code).detail(detail) } else { Self::at(pointer, code, detail) };
        }
        match db.code().code() {
            "42501" => {
                // Names a table, function or policy, never a value. A client of ours does not get here.
                tracing::warn!(error.message = db.message(), "not granted");
                Self::new(Code::NotAllowed)
            }
            // Values that PostgreSQL cannot read or hold: out of range, a NUL in a text, no such instant.
            class if class.starts_with("22") => Self::new(Code::Invalid).detail("A value is out of range."),
            "23505" => Self::new(Code::Conflict),
            "23514" => Self::new(Code::Invalid),
            class
                if class.starts_with("08")
                    || class.starts_with("53")
                    || class.starts_with("57")
                    || class.starts_with("40")
                    // A lock is not free; the database takes no changes.
                    || matches!(class, "55P03" | "25006") =>
            {
                if let Some(repeats) = seldom(class) {
                    tracing::warn!(error.sqlstate = class, log.repeats = repeats, "database unavailable");
                }
                Self::new(Code::Unavailable)
            }
            sqlstate => {
                // The message may quote values; the state and the place are enough to find the fault.
                tracing::error!(
                    error.sqlstate = sqlstate,
                    error.constraint = db.constraint(),
                    error.place = db.where_(),
                    "database refused unexpectedly"
                );
                Self::new(Code::Internal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder()
            .status(status)
            .content_type("application/problem+json")
            .body(serde_json::to_vec(&self).unwrap_or_default());
        let retry_after = self.retry_after.or(match self.code {
            Code::Unavailable => Some(1),
            Code::TooManyCodes => Some(60),
            Code::TooManyTries => Some(3600),
            _ => None,
        });
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 11.6.1: a 401 says how to sign in.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        Self::from_response(problem.into_response())
    }
}

/// The media type of a problem in `openapi.yaml`.
struct ProblemJson;

impl Payload for ProblemJson {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn schema_ref() -> MetaSchemaRef {
        Problem::schema_ref()
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A refusal; `code` says which.",
                status: None,
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: ProblemJson::CONTENT_TYPE,
                    schema: ProblemJson::schema_ref(),
                }],
                headers: vec![MetaHeader {
                    name: "Retry-After".to_owned(),
                    description: Some("Seconds to wait, on 429 and 503.".to_owned()),
                    required: false,
                    deprecated: false,
                    schema: u32::schema_ref(),
                }],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Self as Type>::register(registry);
    }
}

/// Turns what poem itself refuses (no such path, a body that cannot be read) into a problem.
pub fn from_framework(error: &poem::Error) -> Problem {
    match error.status() {
        StatusCode::UNAUTHORIZED => Problem::new(Code::NotSignedIn),
        StatusCode::FORBIDDEN => Problem::new(Code::NotAllowed),
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound).detail("There is nothing at this path."),
        _ if error.is::<ParsePathError>() => Problem::new(Code::NotFound).detail("There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::BodyTooLarge),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(Code::UnsupportedMediaType),
        status if status.is_client_error() => Problem::new(Code::MalformedRequest).detail(error.to_string()),
        status => {
            tracing::error!(http.status = status.as_u16(), "unexpected framework error");
            Problem::new(Code::Internal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_is_in_the_documentation_and_none_that_is_gone() {
        let page = include_str!("../docs/problems.md");
        let listed: Vec<String> = page
            .lines()
            .filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 3)
            .map(|line| line.split(" | ").take(3).collect::<Vec<_>>().join(" | "))
            .collect();
        let known: Vec<String> = Code::ALL
            .iter()
            .map(|code| code.parts())
            .map(|(slug, status, title)| format!("| `{slug}` | {status} | {title}"))
            .collect();
        assert_eq!(listed, known);
    }
}
