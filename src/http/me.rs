//! The signed-in user, their addresses and devices.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;

use super::auth::{Address, AddressKind};
use super::signatures::public_key;
use super::{Answer, Changed, Created, Gone, Section, Tagged, once};
use crate::app::App;
use crate::auth::caller::SignedIn;
use crate::problem::{Code, Problem};
use crate::vault::{CodeUse, SealedAddress};

/// The operations.
pub struct Api;

/// A language that messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Language {
    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

/// The signed-in user.
#[derive(Object, Deserialize)]
struct Me {
    id: Uuid,
    name: String,
    /// In which language messages come.
    language: Language,
    created_at: DateTime<Utc>,
    /// How many Contacts watch this user.
    contacts: i64,
    /// How many Members this user watches.
    members: i64,
}

/// What is to be changed; the rest stays.
#[derive(Object)]
struct MeChange {
    /// What others call this user.
    name: Option<String>,
    /// In which language messages come.
    language: Option<Language>,
}

/// An account that is deleted.
#[derive(Object, Deserialize)]
struct Deletion {
    deleted_at: DateTime<Utc>,
    /// Until when signing in, with the PIN or by a recovery, brings it back; then its data is erased.
    restorable_until: DateTime<Utc>,
}

/// An address of the user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OwnAddress {
    id: Uuid,
    kind: AddressKind,
    value: String,
    /// Since when it is proved to be theirs; only then is it used.
    verified_at: Option<DateTime<Utc>>,
    /// Since when nothing is sent to it any more.
    off_at: Option<DateTime<Utc>>,
    /// Why: `bounced`, `complained`, `invalid`, `landline` or `stopped`.
    off_reason: Option<String>,
}

#[derive(Object)]
struct AddressList {
    items: Vec<OwnAddress>,
}

/// An address as the database gives it: sealed.
#[derive(Deserialize)]
pub struct AddressRow {
    id: Uuid,
    kind: AddressKind,
    sealed: String,
    lookup: String,
    verified_at: Option<DateTime<Utc>>,
    off_at: Option<DateTime<Utc>>,
    off_reason: Option<String>,
}

#[derive(Deserialize)]
struct AddressRows {
    items: Vec<AddressRow>,
}

/// Opens an address that the database gave in base64.
///
/// # Errors
/// `internal` when the key it was sealed with is gone.
pub fn open_address(app: &App, lookup: &str, sealed: &str) -> Result<String, Problem> {
    // PostgreSQL breaks base64 into lines (RFC 2045).
    let bytes = |text: &str| STANDARD.decode(text.replace('\n', "")).unwrap_or_default();
    app.vault.open(&bytes(lookup), &bytes(sealed)).map_err(|error| {
        tracing::error!(error = %error, "an address cannot be opened");
        Problem::new(Code::Internal)
    })
}

impl AddressRow {
    /// Opens it.
    ///
    /// # Errors
    /// As [`open_address`].
    pub fn open(self, app: &App) -> Result<OwnAddress, Problem> {
        Ok(OwnAddress {
            value: open_address(app, &self.lookup, &self.sealed)?,
            id: self.id,
            kind: self.kind,
            verified_at: self.verified_at,
            off_at: self.off_at,
            off_reason: self.off_reason,
        })
    }
}

#[derive(Object)]
struct NewAddress {
    address: Address,
}

#[derive(Object)]
struct AddressCode {
    /// The six digits that were sent to the address.
    #[oai(validator(pattern = "^[0-9]{6}$"))]
    code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Platform {
    /// Firebase on Android.
    Android,
    /// Firebase, through Apple's push service.
    Ios,
}

#[derive(Object)]
struct NewDevice {
    platform: Platform,
    /// The registration token that Firebase gave to the app.
    push_token: String,
    /// What the device signs its check-ins with, of ECDSA on P-256: a `SubjectPublicKeyInfo` in DER, or an uncompressed point
    /// (65 bytes), base64. As before when absent.
    public_key: Option<String>,
}

/// What a device says of itself.
#[derive(Object)]
struct Heartbeat {
    /// 0 to 100; unknown when absent.
    battery_percent: Option<i16>,
    /// Whether its user lets it show pushes; as before when absent.
    push_allowed: Option<bool>,
}

/// A device that gets pushes.
#[derive(Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
struct Device {
    id: Uuid,
    platform: Platform,
    registered_at: DateTime<Utc>,
    /// When it last said that it is alive.
    last_seen_at: Option<DateTime<Utc>>,
    /// As it was then, 0 to 100.
    battery_percent: Option<i16>,
    /// Whether its user lets it show pushes, as far as it has said.
    push_allowed: bool,
    /// Whether it has a key to sign check-ins with.
    signs_check_ins: bool,
}

/// Nothing more to say.
#[derive(Deserialize)]
pub struct Done {}

#[OpenApi(tag = "Section::Me")]
impl Api {
    /// Who am I
    #[oai(path = "/v1/me", method = "get", operation_id = "get_me")]
    async fn get_me(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-None-Match")] known: Header<Option<String>>,
    ) -> Result<Tagged<Me>, Problem> {
        Tagged::unless(known.0, &app.db.read_shape(&caller.0, "api.get_me()", &[]).await?)
    }

    /// Change my name or language
    #[oai(path = "/v1/me", method = "patch", operation_id = "update_me")]
    async fn update_me(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<MeChange>,
    ) -> Result<Changed<Me>, Problem> {
        let call = "api.update_me(name => $1, language => $2, if_match => $3)";
        let params: crate::db::Params<'_> = &[&body.name, &body.language.map(Language::as_str), &if_match.0];
        Changed::to(&app.db.write_shape(&caller.0, call, params).await?)
    }

    /// Delete my account
    ///
    /// It is signed out everywhere, nothing is expected of its user any more, its connections end and the others are
    /// told. The Contacts of a Member with an open alert keep it until one of them closes it. Signing in within thirty
    /// days brings all of it back.
    #[oai(path = "/v1/me", method = "delete", operation_id = "delete_me")]
    async fn delete_me(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<Deletion> {
        Ok(Json(app.db.write(&caller.0, "api.delete_me()", &[]).await?))
    }

    /// List my addresses
    #[oai(path = "/v1/me/addresses", method = "get", operation_id = "list_addresses")]
    async fn list_addresses(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Answer<AddressList> {
        let rows: AddressRows = app.db.read(&caller.0, "api.list_addresses()", &[]).await?;
        Ok(Json(AddressList { items: rows.items.into_iter().map(|row| row.open(&app)).collect::<Result<_, _>>()? }))
    }

    /// Add an address
    ///
    /// A code is sent to it; once it is verified, messages go to it too.
    #[oai(path = "/v1/me/addresses", method = "post", operation_id = "add_address")]
    async fn add_address(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<NewAddress>,
    ) -> Result<Created<OwnAddress>, Problem> {
        let address = body.address.seal(&app)?;
        let code_id = Uuid::new_v4();
        let hash = app.vault.new_code(CodeUse::OneTime, code_id);
        let call = "api.add_address(kind => $1, lookup => $2, sealed => $3, code_id => $4, code_hash => $5, other_lookups => $6, other_sealeds => $7)";
        let kind = body.address.kind.as_str();
        let SealedAddress { lookup, sealed, other_lookups, other_sealeds } = &address;
        let params: crate::db::Params<'_> = &[&kind, lookup, sealed, &code_id, &hash, other_lookups, other_sealeds];
        let row: AddressRow = app.db.write_once(&caller.0, &once(key.0, "add_address", &body.0), call, params).await?;
        Ok(Created::Created(Json(row.open(&app)?)))
    }

    /// Verify an address with the code that was sent to it
    #[oai(path = "/v1/me/addresses/:address_id/verify", method = "post", operation_id = "verify_address")]
    async fn verify_address(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        address_id: Path<Uuid>,
        body: Json<AddressCode>,
    ) -> Answer<OwnAddress> {
        let hashes = app.vault.code_hashes(CodeUse::OneTime, &body.code);
        let call = "api.verify_address(address_id => $1, code_hash => $2, other_code_hashes => $3)";
        let row: AddressRow = app.db.write(&caller.0, call, &[&address_id.0, &hashes[0], &&hashes[1..]]).await?;
        Ok(Json(row.open(&app)?))
    }

    /// Remove an address
    #[oai(path = "/v1/me/addresses/:address_id", method = "delete", operation_id = "remove_address")]
    async fn remove_address(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        address_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.remove_address(address_id => $1)", &[&address_id.0]).await?;
        Ok(Gone::Gone)
    }

    /// Register a device for pushes
    ///
    /// The app chooses the id once and keeps it. A user has at most ten devices; the oldest goes first.
    #[oai(path = "/v1/me/devices/:device_id", method = "put", operation_id = "put_device")]
    async fn put_device(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        device_id: Path<Uuid>,
        body: Json<NewDevice>,
    ) -> Answer<Device> {
        let platform = match body.platform {
            Platform::Android => "android",
            Platform::Ios => "ios",
        };
        let public_key = body.public_key.as_deref().map(|text| {
            public_key(text).ok_or_else(|| {
                Problem::at(
                    "/public_key",
                    Code::Invalid,
                    "This is not the public key of an ECDSA key on P-256, in base64.",
                )
            })
        });
        let public_key = public_key.transpose()?;
        let call = "api.put_device(device_id => $1, platform => $2, push_token => $3, public_key => $4)";
        Ok(Json(app.db.write(&caller.0, call, &[&device_id.0, &platform, &body.push_token, &public_key]).await?))
    }

    /// This device is alive
    ///
    /// An alert says when that was, and how full the battery: "phone last seen 07:12, 4 %". It is no check-in. Once or a
    /// few times an hour is enough. 404: register the device again.
    #[oai(path = "/v1/me/devices/:device_id/heartbeat", method = "post", operation_id = "record_heartbeat")]
    async fn record_heartbeat(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        device_id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        body: Json<Heartbeat>,
    ) -> Answer<Device> {
        let call = "api.record_heartbeat(device_id => $1, battery_percent => $2, push_allowed => $3)";
        let params: crate::db::Params<'_> = &[&device_id.0, &body.battery_percent, &body.push_allowed];
        let once = once(key.0, &format!("record_heartbeat {}", device_id.0), &body.0);
        Ok(Json(app.db.write_once(&caller.0, &once, call, params).await?))
    }

    /// Remove a device
    #[oai(path = "/v1/me/devices/:device_id", method = "delete", operation_id = "remove_device")]
    async fn remove_device(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        device_id: Path<Uuid>,
    ) -> Result<Gone, Problem> {
        let _: Done = app.db.write(&caller.0, "api.remove_device(device_id => $1)", &[&device_id.0]).await?;
        Ok(Gone::Gone)
    }
}
