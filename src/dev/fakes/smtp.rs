//! A fake SMTP server: enough of RFC 5321, 4954 and 2920 for any client.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Behaviour, Channel, Parts, Provider, State, Verdict};

pub(super) async fn start(state: Arc<State>, stop: CancellationToken) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("smtp://pruuf:fake@{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (state, stop) = (state.clone(), stop.clone());
            tokio::spawn(async move {
                // A client that hangs up is no fault.
                stop.run_until_cancelled(Session::new(stream, state).run()).await
            });
        }
    });
    Ok(url)
}

struct Session {
    stream: BufReader<TcpStream>,
    state: Arc<State>,
    line: Vec<u8>,
    answers: Vec<u8>,
    to: Vec<(String, Behaviour)>,
    has_sender: bool,
}

impl Session {
    fn new(stream: TcpStream, state: Arc<State>) -> Self {
        // Without it each answer waits for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        Self {
            stream: BufReader::new(stream),
            state,
            line: Vec::new(),
            answers: Vec::new(),
            to: Vec::new(),
            has_sender: false,
        }
    }

    async fn run(mut self) -> io::Result<()> {
        let greeting = self.failure_at("connect").unwrap_or_else(|| "220 fake ESMTP".to_owned());
        self.say(&greeting);
        loop {
            // Answers to commands that came in one packet leave in one.
            if self.stream.buffer().is_empty() {
                self.flush().await?;
            }
            let Some(line) = self.read_line().await? else {
                return Ok(());
            };
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.say("250-fake\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")
                }
                "HELO" => self.say("250 fake"),
                "AUTH" => self.auth(rest).await?,
                "MAIL" => match self.failure_at("mail") {
                    Some(failure) => self.say(&failure),
                    None => {
                        self.has_sender = true;
                        self.to.clear();
                        self.say("250 2.1.0 OK");
                    }
                },
                "RCPT" => self.rcpt(rest),
                "DATA" if self.to.is_empty() => self.say("503 5.5.1 No recipient"),
                "DATA" => {
                    self.say("354 Go on");
                    self.flush().await?;
                    if !self.data().await? {
                        return Ok(());
                    }
                }
                "RSET" => {
                    self.to.clear();
                    self.has_sender = false;
                    self.say("250 OK");
                }
                "NOOP" => self.say("250 OK"),
                "QUIT" => {
                    self.say("221 2.0.0 Bye");
                    return self.flush().await;
                }
                _ => self.say("500 5.5.2 Unknown command"),
            }
        }
    }

    fn say(&mut self, answer: &str) {
        self.answers.extend_from_slice(answer.as_bytes());
        self.answers.extend_from_slice(b"\r\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream.get_mut().write_all(&self.answers).await?;
        self.answers.clear();
        Ok(())
    }

    async fn read_line(&mut self) -> io::Result<Option<String>> {
        self.line.clear();
        if self.stream.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.line).trim_end().to_owned()))
    }

    async fn ask(&mut self, question: &str) -> io::Result<()> {
        self.say(question);
        self.flush().await?;
        self.read_line().await.map(|_| ())
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let mut words = rest.split_whitespace();
        match (words.next().map(str::to_ascii_uppercase).as_deref(), words.next()) {
            (Some("PLAIN"), None) => self.ask("334 ").await?,
            (Some("PLAIN"), Some(_)) => {}
            (Some("LOGIN"), first) => {
                if first.is_none() {
                    self.ask("334 VXNlcm5hbWU6").await?;
                }
                self.ask("334 UGFzc3dvcmQ6").await?;
            }
            _ => {
                self.say("504 5.5.4 Unknown mechanism");
                return Ok(());
            }
        }
        let answer = self.failure_at("auth").unwrap_or_else(|| "235 2.7.0 Welcome".to_owned());
        self.say(&answer);
        Ok(())
    }

    fn rcpt(&mut self, rest: &str) {
        let to = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(to, _)| to.to_owned());
        let Some(to) = to.filter(|_| self.has_sender) else {
            self.say("503 5.5.1 Who sends what to whom?");
            return;
        };
        let behaviour = self.state.behaviour_if(Provider::Smtp, Channel::Email, Some(&to), |behaviour| {
            !["connect", "auth", "mail"].iter().any(|step| fails_at(behaviour, step))
        });
        if fails_at(&behaviour, "rcpt")
            && let Behaviour::Fail { status, code, .. } = behaviour
        {
            let parts = Parts {
                channel: Channel::Email,
                provider: Provider::Smtp,
                to,
                title: None,
                text: String::new(),
                raw: Value::Null,
            };
            self.state.record(&parts, super::Answered::Refused { status, code: code.clone() });
            self.say(&refusal(status, &code));
            return;
        }
        self.to.push((to, behaviour));
        self.say("250 2.1.5 OK");
    }

    /// Reads the text and answers. `false`: the connection is to be closed.
    async fn data(&mut self) -> io::Result<bool> {
        let mut text = Vec::new();
        loop {
            self.line.clear();
            if self.stream.read_until(b'\n', &mut self.line).await? == 0 {
                return Ok(false);
            }
            match self.line.as_slice() {
                b".\r\n" | b".\n" => break,
                // A dot that begins a line was doubled on its way (RFC 5321, 4.5.2).
                [b'.', line @ ..] | line if self.state.keeps => text.extend_from_slice(line),
                _ => {}
            }
        }
        self.has_sender = false;
        let letter = if self.state.keeps { Letter::read(&String::from_utf8_lossy(&text)) } else { Letter::default() };
        let mut answer = format!("250 2.0.0 Queued as {}", self.state.next_id());
        for (to, behaviour) in std::mem::take(&mut self.to) {
            let parts = Parts {
                channel: Channel::Email,
                provider: Provider::Smtp,
                to,
                title: Some(letter.subject.clone()),
                text: letter.text.clone(),
                raw: letter.raw.clone(),
            };
            match self.state.judge(&parts, behaviour).await {
                Verdict::Accept => {}
                Verdict::Refuse { status, code, .. } => answer = refusal(status, &code),
                Verdict::Close => return Ok(false),
                Verdict::Hang => {
                    let mut rest = Vec::new();
                    self.stream.read_to_end(&mut rest).await?;
                    return Ok(false);
                }
            }
        }
        self.say(&answer);
        Ok(true)
    }

    /// The refusal of a step that comes before the recipient is known.
    fn failure_at(&self, step: &str) -> Option<String> {
        match self.state.behaviour_if(Provider::Smtp, Channel::Email, None, |behaviour| fails_at(behaviour, step)) {
            Behaviour::Fail { status, code, .. } => Some(refusal(status, &code)),
            _ => None,
        }
    }
}

fn fails_at(behaviour: &Behaviour, step: &str) -> bool {
    matches!(behaviour, Behaviour::Fail { code, .. } if code.split(' ').next() == Some(step))
}

fn refusal(status: u16, code: &str) -> String {
    let enhanced = code.split_once(' ').map(|(_, enhanced)| enhanced).unwrap_or_default();
    // The real ones repeat the address in their text.
    format!("{status} {enhanced} <anna@example.org> the fake refuses")
}

/// An e-mail, read back.
#[derive(Default)]
struct Letter {
    subject: String,
    text: String,
    raw: Value,
}

impl Letter {
    fn read(source: &str) -> Self {
        let mut texts = Map::new();
        let headers = read_part(source, &mut texts);
        let subject = headers.get("subject").and_then(Value::as_str).map(decoded_words).unwrap_or_default();
        let take = |kind: &str| texts.get(kind).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { subject, text: take("text/plain"), raw: json!({ "headers": headers, "html": take("text/html") }) }
    }
}

/// Collects the texts of a part and of those in it by content type; gives its headers, by lower-case name.
fn read_part(source: &str, texts: &mut Map<String, Value>) -> Map<String, Value> {
    let (head, body) = source.split_once("\r\n\r\n").unwrap_or((source, ""));
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers: Map<String, Value> = unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), json!(value.trim())))
        .collect();
    let header = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default();
    let content_type = header("content-type");
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let boundary = content_type
        .split_once("boundary=")
        .and_then(|(_, rest)| rest.trim_start_matches('"').split(['"', ';']).next());
    if let Some(boundary) = boundary.filter(|_| kind.starts_with("multipart/")) {
        let body = format!("\r\n{body}");
        for part in body.split(&format!("\r\n--{boundary}")).skip(1).filter(|part| !part.starts_with("--")) {
            read_part(part.trim_start_matches("\r\n"), texts);
        }
    } else {
        let bytes = match header("content-transfer-encoding").to_ascii_lowercase().as_str() {
            "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap_or_default(),
            "quoted-printable" => quoted_printable(&body.replace("=\r\n", ""), false),
            _ => body.as_bytes().to_vec(),
        };
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned();
        texts.insert(if kind.is_empty() { "text/plain".to_owned() } else { kind }, json!(text));
    }
    headers
}

/// RFC 2045; in a header (RFC 2047) an underscore is a space.
fn quoted_printable(text: &str, in_header: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'=').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if in_header && *first == b'_' { b' ' } else { *first });
            rest = tail;
        }
    }
    bytes
}

/// RFC 2047: `=?utf-8?b?…?=`; white space between two encoded words is none.
fn decoded_words(text: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((before, word)) = rest.split_once("=?") {
        if decoded.is_empty() || !before.trim().is_empty() {
            decoded.extend_from_slice(before.as_bytes());
        }
        let mut fields = word.splitn(4, '?');
        let (Some(_), Some(encoding), Some(content), Some(tail)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        decoded.extend(match encoding {
            "b" | "B" => STANDARD.decode(content).unwrap_or_default(),
            _ => quoted_printable(content, true),
        });
        rest = tail.strip_prefix('=').unwrap_or(tail);
    }
    decoded.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&decoded).into_owned()
}
