//! E-mail by SMTP.
//!
//! lettre's ready-made transport does not tell at which step it failed, and everything hangs on that: a
//! refused recipient is a dead address, a refused login is not, and only what broke after the text was sent
//! may have been taken. So the steps are taken here, one by one, over a small pool of lettre's connections.

use std::error::Error as _;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use super::{Content, Destination, Letter, Message, OffReason, Outcome};

/// Longer than for the HTTP providers: many servers scan a message before they answer.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections kept open between messages.
const MAX_IDLE: usize = 32;
/// Servers close an idle connection after a few minutes at the earliest (RFC 5321, 4.5.3.2.7: 5 minutes).
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);

/// Where the SMTP server is, and who we are there.
pub struct EmailConfig {
    /// `smtp://` or `smtps://user:password@host:port`. With `smtp://` to another machine the connection is
    /// encrypted by STARTTLS: always when there is a password, else when the server can; `?tls=required`,
    /// `?tls=opportunistic` and `?tls=none` say otherwise.
    pub url: SecretString,
    /// The sender, `Pruuf <alerts@example.org>`.
    pub from: String,
    /// How long it may take to hand over the addresses, and again to hand over the text;
    /// [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
}

/// Why the sender could not be made. It never shows the URL.
#[derive(Debug, thiserror::Error)]
pub enum EmailConfigError {
    /// Not a URL of the two schemes with a host.
    #[error("the SMTP URL is not smtp:// or smtps:// with a host")]
    Url,
    /// Not one of the three words.
    #[error("tls= in the SMTP URL is not required, opportunistic or none")]
    TlsWord,
    /// No TLS for this host name on this machine.
    #[error("TLS cannot be set up for the SMTP server")]
    Tls,
    /// The sender is not a mailbox.
    #[error("the sender's e-mail address is not one")]
    From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    IfOffered,
    StartTls,
    FromTheStart,
}

/// The e-mail sender.
pub struct Email {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    from: Mailbox,
    timeout: Duration,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email")
    }
}

impl Email {
    /// Takes the configuration; asks nothing of the network.
    pub fn new(config: EmailConfig) -> Result<Self, EmailConfigError> {
        let url = Url::parse(config.url.expose_secret()).map_err(|_| EmailConfigError::Url)?;
        let host = match url.host().ok_or(EmailConfigError::Url)? {
            Host::Ipv6(ip) => ip.to_string(),
            other => other.to_string(),
        };
        let credentials =
            url.password().map(|password| Credentials::new(percent_decoded(url.username()), percent_decoded(password)));
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let word = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, word)| word.into_owned());
        let encryption = match (url.scheme(), word.as_deref()) {
            ("smtps", _) => Encryption::FromTheStart,
            ("smtp", Some("required")) => Encryption::StartTls,
            ("smtp", Some("opportunistic")) => Encryption::IfOffered,
            ("smtp", Some("none")) => Encryption::None,
            ("smtp", Some(_)) => return Err(EmailConfigError::TlsWord),
            ("smtp", None) if is_here => Encryption::None,
            ("smtp", None) if credentials.is_some() => Encryption::StartTls,
            ("smtp", None) => Encryption::IfOffered,
            _ => return Err(EmailConfigError::Url),
        };
        let tls = match encryption {
            Encryption::None => None,
            _ => Some(TlsParameters::new(host.clone()).map_err(|_| EmailConfigError::Tls)?),
        };
        // 465 and 587: RFC 8314; 25 for a relay that asks for no password.
        let port = url.port().unwrap_or(match (encryption, &credentials) {
            (Encryption::FromTheStart, _) => 465,
            (_, Some(_)) => 587,
            (_, None) => 25,
        });
        Ok(Self {
            host,
            port,
            encryption,
            tls,
            credentials,
            hello: ClientId::default(),
            from: config.from.parse().map_err(|_| EmailConfigError::From)?,
            timeout: config.timeout,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Whether the server takes our login.
    ///
    /// # Errors
    /// Why not, as a code.
    pub async fn check(&self) -> Result<(), String> {
        let asked = timeout(self.timeout, async {
            let mut connection = self.connect().await.map_err(|outcome| outcome.parts().1.unwrap_or_default())?;
            let is_well = connection.test_connected().await;
            connection.abort().await;
            if is_well { Ok(()) } else { Err("it hangs up".to_owned()) }
        });
        asked.await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
    }

    /// Sends one e-mail. It is called accepted when the server has taken the whole text.
    pub async fn send(&self, message: &Message) -> Outcome {
        let (Destination::Email(to), Content::Email(letter)) = (&message.to, &message.content) else {
            return Outcome::wrong_channel();
        };
        let Ok(to) = to.parse::<Address>() else {
            return Outcome::Permanent { code: "smtp:not-an-address".to_owned(), turns_off: Some(OffReason::Invalid) };
        };
        // The same at every attempt: a mailbox that gets it twice can show it once.
        let id = format!("{}@{}", message.delivery_id, self.from.email.domain());
        let Ok(text) = formatted(&self.from, &to, &id, letter).map(|text| as_data(&text)) else {
            return Outcome::Permanent { code: "smtp:not-a-message".to_owned(), turns_off: None };
        };
        // Nothing is handed over before the text: whatever goes wrong until then, it was not taken.
        let mut connection = match timeout(self.timeout, self.addressed(&to)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(outcome)) => return outcome,
            Err(_) => {
                // If the network went away, the other kept connections are as dead.
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                return transient("timeout");
            }
        };
        match timeout(self.timeout, connection.command(&text)).await {
            Ok(Ok(_)) => {
                self.keep(connection);
                Outcome::Accepted { provider_message_id: Some(id) }
            }
            Ok(Err(error)) => match status(&error) {
                Some(code @ 500..) => permanent(code, None),
                Some(code) => transient(&format!("smtp:{code}")),
                None => Outcome::Unknown { code: "connection-broken".to_owned() },
            },
            Err(_) => Outcome::Unknown { code: "timeout".to_owned() },
        }
    }

    /// A connection on which the server waits for the text.
    async fn addressed(&self, to: &Address) -> Result<AsyncSmtpConnection, Outcome> {
        while let Some(mut connection) = self.kept() {
            match self.address(&mut connection, to).await {
                Ok(()) => return Ok(connection),
                // A kept connection may have been closed by the server since (421 says so): take another.
                Err((error, step)) => match status(&error) {
                    None | Some(421) => {}
                    Some(code) => return Err(refused(code, step, &error)),
                },
            }
        }
        let mut connection = self.connect().await?;
        match self.address(&mut connection, to).await {
            Ok(()) => Ok(connection),
            Err((error, step)) => Err(match status(&error) {
                Some(code) => refused(code, step, &error),
                None if error.is_client() => permanent_without_status("smtp:no-smtputf8"),
                None => transient("connection-broken"),
            }),
        }
    }

    async fn address(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: &Address,
    ) -> Result<(), (lettre::transport::smtp::Error, Step)> {
        let is_ascii = AsRef::<str>::as_ref(to).is_ascii();
        let can_utf8 = connection.server_info().supports_feature(Extension::SmtpUtfEight);
        let parameters = if !is_ascii && can_utf8 { vec![MailParameter::SmtpUtfEight] } else { vec![] };
        let mail = Mail::new(Some(self.from.email.clone()), parameters);
        connection.command(mail).await.map_err(|error| (error, Step::Sender))?;
        connection.command(Rcpt::new(to.clone(), vec![])).await.map_err(|error| (error, Step::Recipient))?;
        connection.command(Data).await.map_err(|error| (error, Step::Data))?;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Outcome> {
        let from_the_start = self.tls.clone().filter(|_| self.encryption == Encryption::FromTheStart);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (self.host.as_str(), self.port),
            Some(self.timeout),
            &self.hello,
            from_the_start,
            None,
        )
        .await
        .map_err(|error| not_connected(&error, "connect"))?;
        let start_tls = match self.encryption {
            Encryption::StartTls => true,
            Encryption::IfOffered => connection.can_starttls(),
            Encryption::None | Encryption::FromTheStart => false,
        };
        if let Some(tls) = self.tls.clone().filter(|_| start_tls) {
            connection.starttls(tls, &self.hello).await.map_err(|error| not_connected(&error, "smtp:starttls"))?;
        }
        if let Some(credentials) = &self.credentials {
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await
                .map_err(|error| not_connected(&error, "smtp:auth"))?;
        }
        Ok(connection)
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < MAX_IDLE_TIME);
        idle.pop().map(|(connection, _)| connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE && !connection.has_broken() {
            idle.push((connection, Instant::now()));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Sender,
    Recipient,
    Data,
}

/// The server said no before the text.
fn refused(code: u16, step: Step, error: &lettre::transport::smtp::Error) -> Outcome {
    match code {
        // 530, 534, 535, 538 (RFC 4954): our login. The address has done nothing.
        530 | 534 | 535 | 538 | ..500 => transient(&format!("smtp:{code}")),
        // 5.7.x (RFC 3463) is a policy about us, like "relay denied" or a block list: the mailbox may be fine.
        550 | 551 | 553 if step == Step::Recipient && !is_policy(error) => permanent(code, Some(OffReason::Bounced)),
        _ => permanent(code, None),
    }
}

fn is_policy(error: &lettre::transport::smtp::Error) -> bool {
    error.source().is_some_and(|text| text.to_string().starts_with("5.7."))
}

/// Neither a connection nor a login: whatever the server said, it is not the address's fault.
fn not_connected(error: &lettre::transport::smtp::Error, step: &str) -> Outcome {
    match status(error) {
        Some(code) => transient(&format!("smtp:{code}")),
        None => transient(step),
    }
}

fn status(error: &lettre::transport::smtp::Error) -> Option<u16> {
    error.status().map(u16::from)
}

fn transient(code: &str) -> Outcome {
    Outcome::Transient { code: code.to_owned(), retry_after: None }
}

fn permanent(code: u16, turns_off: Option<OffReason>) -> Outcome {
    Outcome::Permanent { code: format!("smtp:{code}"), turns_off }
}

fn permanent_without_status(code: &str) -> Outcome {
    Outcome::Permanent { code: code.to_owned(), turns_off: None }
}

/// A subject. Names are in it: a line break would begin a header of somebody else's choice.
pub(super) fn one_line(subject: &str) -> String {
    subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether this is an e-mail address at all.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

/// A sender, `Pruuf <alerts@example.org>`.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

fn formatted(from: &Mailbox, to: &Address, id: &str, letter: &Letter) -> Result<Vec<u8>, lettre::error::Error> {
    let message = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(&letter.subject))
        .message_id(Some(format!("<{id}>")))
        // RFC 3834: out-of-office programs stay quiet.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))?;
    Ok(message.formatted())
}

/// A message as it follows DATA: lines end in CRLF, a dot that begins one is doubled, and a dot ends it all
/// (RFC 5321, 4.5.2). lettre would send that end in a packet of its own, which waits 40 ms for the
/// acknowledgement of the one before it.
fn as_data(text: &[u8]) -> String {
    let mut data = String::with_capacity(text.len() + 64);
    for line in String::from_utf8_lossy(text).lines() {
        if line.starts_with('.') {
            data.push('.');
        }
        data.push_str(line);
        data.push_str("\r\n");
    }
    data.push_str(".\r\n");
    data
}

/// The user name and password of a URL as they were before they were written into it.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        (bytes, rest) = match byte {
            Some(byte) => {
                bytes.push(byte);
                (bytes, &tail[2..])
            }
            None => {
                bytes.push(first);
                (bytes, tail)
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(url: &str) -> Result<Email, EmailConfigError> {
        Email::new(EmailConfig {
            url: url.into(),
            from: "Pruuf <alerts@example.org>".to_owned(),
            timeout: DEFAULT_TIMEOUT,
        })
    }

    #[test]
    fn a_password_never_crosses_the_network_in_the_clear_by_default() {
        let encryption = |url| email(url).unwrap().encryption;
        assert_eq!(encryption("smtp://u:p@mail.example.org"), Encryption::StartTls);
        assert_eq!(encryption("smtp://mail.example.org"), Encryption::IfOffered);
        assert_eq!(encryption("smtps://u:p@mail.example.org"), Encryption::FromTheStart);
        assert_eq!(encryption("smtp://u:p@127.0.0.1:2525"), Encryption::None);
        assert_eq!(encryption("smtp://u:p@mail.example.org?tls=none"), Encryption::None);
        assert!(email("https://mail.example.org").is_err());
        assert!(email("smtp://h?tls=perhaps").is_err());
    }

    #[test]
    fn a_line_of_one_dot_does_not_end_the_text() {
        assert_eq!(as_data(b"a\r\n.\r\n..b\nc"), "a\r\n..\r\n...b\r\nc\r\n.\r\n");
    }

    #[test]
    fn passwords_are_decoded() {
        assert_eq!(percent_decoded("a%40b%2Fc+d%"), "a@b/c+d%");
    }

    #[test]
    fn a_name_cannot_begin_a_header() {
        let letter = Letter {
            subject: "Hello\r\nBcc: everybody@example.org".to_owned(),
            text: "text".to_owned(),
            html: "<p>text</p>".to_owned(),
        };
        let from: Mailbox = "Pruuf <alerts@example.org>".parse().unwrap();
        let to: Address = "anna@example.org".parse().unwrap();
        let text = String::from_utf8(formatted(&from, &to, "d1@example.org", &letter).unwrap()).unwrap();
        assert!(!text.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{text}");
        assert!(text.contains("Message-ID: <d1@example.org>\r\n"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
    }
}
