//! Access tokens that somebody made up: all refused, and all in the same words (R2.4).

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pruuf::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Person, Reply, World, world};

/// The seed of the key that signs in a test's world.
const OURS: [u8; 32] = [7; 32];

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pair(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).unwrap()
}

/// A token with this header and these claims (as JSON, or not), signed with Ed25519.
fn signed(seed: &[u8; 32], header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(claims));
    format!("{input}.{}", b64(pair(seed).sign(input.as_bytes())))
}

/// The same with a MAC.
fn maced(secret: &[u8], header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", b64(mac.finalize().into_bytes()))
}

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

fn with(value: &Value, name: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[name] = other;
    value
}

async fn try_token(world: &World, token: &str) -> Reply {
    world.call(Method::GET, "/v1/me", Some(token), &[], None).await
}

/// HS256 with everything public as its secret.
fn confused(header: &Value, claims: &Value, jwk: &Value) -> Vec<String> {
    let public = pair(&OURS);
    let raw = public.public_key().as_ref().to_vec();
    let der: PublicKeyX509Der<'_> = public.public_key().as_der().unwrap();
    let body = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    let bare = json!({"crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"]});
    let secrets: Vec<Vec<u8>> = vec![
        raw,
        der.as_ref().to_vec(),
        pem.clone().into_bytes(),
        format!("{pem}\n").into_bytes(),
        body.into_bytes(),
        jwk["x"].as_str().unwrap().into(),
        jwk.to_string().into_bytes(),
        bare.to_string().into_bytes(),
        Vec::new(),
    ];
    let mut tokens = Vec::new();
    for secret in secrets {
        for algorithm in ["HS256", "EdDSA", "hs256"] {
            tokens.push(maced(&secret, &with(header, "alg", json!(algorithm)), claims));
        }
    }
    tokens
}

/// Headers that point elsewhere, or at nothing.
fn odd_headers(header: &Value, claims: &Value, thief: &[u8; 32]) -> Vec<String> {
    let claims = claims.to_string();
    let x = b64(pair(thief).public_key());
    let own = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "mine", "alg": "EdDSA"});
    let mut tokens = Vec::new();
    for kid in [
        json!("unknown"),
        json!(""),
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' or 1=1 --"),
        json!("x".repeat(60_000)),
        json!({"a": 1}),
        json!(["a"]),
        json!(0),
        json!(true),
        Value::Null,
        json!("\u{0}"),
    ] {
        tokens.push(signed(&OURS, with(header, "kid", kid.clone()).to_string(), &claims));
        tokens.push(signed(thief, with(header, "kid", kid).to_string(), &claims));
    }
    for (name, value) in [
        ("jwk", own.clone()),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/cert")),
        ("x5c", json!([x])),
        ("crit", json!(["jwk"])),
    ] {
        tokens.push(signed(thief, with(header, name, value.clone()).to_string(), &claims));
        let mut theirs = with(header, name, value);
        theirs["kid"] = json!("mine");
        tokens.push(signed(thief, theirs.to_string(), &claims));
    }
    for algorithm in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!(""),
        Value::Null,
        json!("ES256"),
        json!("RS256"),
        json!("PS256"),
        json!("HS512"),
    ] {
        let header = with(header, "alg", algorithm).to_string();
        tokens.push(format!("{}.{}.", b64(&header), b64(&claims)));
        tokens.push(format!("{}.{}", b64(&header), b64(&claims)));
        tokens.push(signed(&OURS, header, &claims));
    }
    tokens.extend(["", "null", "[]", "{", "\"x\"", "{\"alg\":\"EdDSA\"}"].map(|header| signed(&OURS, header, &claims)));
    tokens
}

/// Claims that our own key signed, and that are still not to be taken.
fn odd_claims(header: &Value, claims: &Value) -> Vec<String> {
    let now = claims["iat"].as_i64().unwrap();
    let mut odd = Vec::new();
    for (name, values) in [
        ("exp", vec![json!(now - 1), json!(0), json!(-1), json!("never"), Value::Null, json!([now + 900])]),
        ("nbf", vec![json!(now + 600), json!(now + 100_000)]),
        ("iat", vec![json!(now + 600), json!("now"), Value::Null]),
        ("iss", vec![json!("another"), json!(["pruuf"]), json!(["pruuf", "another"]), Value::Null, json!("Pruuf")]),
        ("aud", vec![json!("another"), json!([]), json!(["another"]), json!(["pruuf-api", "another"]), Value::Null]),
        ("sub", vec![json!("' or true --"), json!(""), json!([claims["sub"]]), Value::Null, json!(7)]),
        ("sid", vec![json!(""), json!({}), Value::Null]),
    ] {
        odd.extend(values.into_iter().map(|value| with(claims, name, value).to_string()));
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(name);
        if name != "nbf" {
            odd.push(without.to_string());
        }
    }
    odd.extend(["", "null", "[]", "{}", "{", "0", "\"x\""].map(str::to_owned));
    odd.into_iter().map(|claims| signed(&OURS, header.to_string(), claims)).collect()
}

/// A good token, damaged.
fn damaged(token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // The last letter of 86 carries four bits that mean nothing: the same bytes in other words.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(signature.chars().last().unwrap()).unwrap();
    let otherwise = format!("{}{}", &signature[..85], &alphabet[last + 1..=last + 1]);
    let mut tokens = vec![
        format!("{header}.{claims}.{otherwise}"),
        format!("{header}.{claims}.{}", URL_SAFE.encode(&raw)),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}..{signature}"),
        format!(".{header}.{claims}.{signature}"),
        format!("{header}={claims}.{signature}"),
        format!("{header}==.{claims}==.{signature}"),
        format!("{header}.{claims}.{}", b64([&raw[..], &[0]].concat())),
        format!("{header}.{claims}.{}", b64(&raw[..63])),
        format!("{header}.{claims}.{}", b64([0; 64])),
        format!("{header}.{header}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header} .{claims}.{signature}"),
        format!("{header}.{claims}. {signature}"),
        format!("{token}{token}"),
        format!("Bearer {token}"),
        token.to_uppercase(),
    ];
    // S + L, where L is the order of the group: the same point, not the canonical number (RFC 8032, 5.1.7).
    let order = [
        0xed_u8, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (mut malleable, mut carry) = (raw.clone(), 0_u16);
    for (byte, add) in malleable[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    tokens.push(format!("{header}.{claims}.{}", b64(malleable)));
    for cut in [1, 2, 10, signature.len(), token.len() / 2, token.len() - 1] {
        tokens.push(token[..token.len() - cut].to_owned());
    }
    for place in (0..token.len()).step_by(7) {
        let mut changed: Vec<char> = token.chars().collect();
        changed[place] = if changed[place] == 'A' { 'B' } else { 'A' };
        tokens.push(changed.into_iter().collect());
    }
    tokens
}

/// ES256 with a key of the attacker's, and ECDSA's oldest trick: r = s = 0.
fn elliptic(header: &Value, claims: &Value) -> Vec<String> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref()).unwrap();
    let header = with(header, "alg", json!("ES256"));
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = key.sign(&random, input.as_bytes()).unwrap();
    vec![format!("{input}.{}", b64(signature.as_ref())), format!("{input}.{}", b64([0; 64]))]
}

#[tokio::test]
async fn r2_4_every_forged_token_is_refused_and_all_in_the_same_words() {
    world(|world| async move {
        let (ann, ben) = (world.person("Ann").await, world.person("Ben").await);
        let thief = [8; 32];
        let (header, claims) = (header_of(&ann.token), claims_of(&ann.token));
        let jwk =
            world.call(Method::GET, "/.well-known/jwks.json", None, &[], None).await.expect(200)["keys"][0].clone();
        // What is made here is taken when it is right: otherwise nothing below would mean anything.
        try_token(&world, &signed(&OURS, header.to_string(), claims.to_string())).await.expect(200);
        let with_nbf = with(&claims, "nbf", json!(claims["iat"].as_i64().unwrap() - 5));
        try_token(&world, &signed(&OURS, header.to_string(), with_nbf.to_string())).await.expect(200);

        let mut forged = confused(&header, &claims, &jwk);
        forged.extend(odd_headers(&header, &claims, &thief));
        forged.extend(odd_claims(&header, &claims));
        forged.extend(damaged(&ann.token));
        forged.extend(elliptic(&header, &claims));
        // Somebody else's name, with a key of one's own; with one's own session; with their name cut into one's own token.
        forged.push(signed(&thief, header.to_string(), with(&claims, "sub", json!(ben.id)).to_string()));
        let (anns, bens): (Vec<&str>, Vec<&str>) = (ann.token.split('.').collect(), ben.token.split('.').collect());
        forged.push(format!("{}.{}.{}", anns[0], bens[1], anns[2]));
        let mut words: Option<Value> = None;
        for token in &forged {
            // What no header can carry, nobody can send.
            if token.bytes().any(|byte| byte < 32) {
                continue;
            }
            let shown: String = token.chars().take(200).collect();
            let reply = try_token(&world, token).await;
            assert_eq!(reply.status, 401, "{shown}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            let said = reply.refused(401, "not-signed-in");
            assert_eq!(words.get_or_insert_with(|| said.clone()), &said, "{shown}");
        }
        assert!(forged.len() > 150, "{}", forged.len());
        world
    })
    .await;
}

/// R2.5: a good signature is not enough: the session must be there, be the user's, and not be over.
#[tokio::test]
async fn r2_4_a_token_is_no_better_than_its_session() {
    world(|world| async move {
        let (ann, ben): (Person, Person) = (world.person("Ann").await, world.person("Ben").await);
        let session = |person: &Person| claims_of(&person.token)["sid"].as_str().unwrap().parse().unwrap();
        let ended = "This session has ended. Sign in again.";
        for token in [
            world.tokens.sign(ben.id, session(&ann)).unwrap(),
            world.tokens.sign(ann.id, uuid::Uuid::nil()).unwrap(),
            world.tokens.sign(uuid::Uuid::now_v7(), session(&ann)).unwrap(),
        ] {
            assert_eq!(try_token(&world, &token).await.refused(401, "not-signed-in")["detail"], ended);
        }
        world.get(&ann, "/v1/me").await.expect(200);
        world
            .db
            .admin
            .execute(
                "update data.sessions set revoked_at = rules.clock(), revoked_reason = 'signed_out' where user_id = $1",
                &[&ann.id],
            )
            .await
            .unwrap();
        assert_eq!(world.get(&ann, "/v1/me").await.refused(401, "not-signed-in")["detail"], ended);
        world
    })
    .await;
}

#[tokio::test]
async fn r2_4_keys_rotate_while_two_servers_serve_and_nobody_is_signed_out() {
    let mut world = World::without_server().await;
    // One server has the new key already, the other not yet.
    let new = [9; 32];
    for keys in [vec![OURS], vec![new, OURS], vec![new]] {
        let mut config = world.config();
        config.secrets.jwt = keys;
        world.servers.push(Server::start(config).await.unwrap());
    }
    let ann = world.person("Ann").await;
    let new_token = pruuf::auth::token::Tokens::new(&[new])
        .unwrap()
        .sign(ann.id, claims_of(&ann.token)["sid"].as_str().unwrap().parse().unwrap())
        .unwrap();
    let ask = |nth: usize, token: String| {
        let (url, http) = (format!("http://{}/v1/me", world.servers[nth].address), world.http.clone());
        async move { http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16() }
    };
    // Of the old key: before, while and not after; of the new one the other way round.
    assert_eq!(
        [ask(0, ann.token.clone()).await, ask(1, ann.token.clone()).await, ask(2, ann.token.clone()).await],
        [200, 200, 401]
    );
    assert_eq!(
        [ask(0, new_token.clone()).await, ask(1, new_token.clone()).await, ask(2, new_token).await],
        [401, 200, 200]
    );
    world.stop_servers().await;
}

/// R2.1, R2.3: a try at an address without an account costs what a try at an account does. Argon2 is counted in
/// src/auth/pin.rs; these are the rows.
#[tokio::test]
async fn r2_3_a_try_at_no_account_touches_as_many_rows() {
    let world = World::without_server().await;
    let ann = world.person("Ann").await;
    world
        .db
        .admin
        .execute(
            "insert into data.pins (user_id, hash, changed_at) values ($1, '$argon2id$x', rules.clock())",
            &[&ann.id],
        )
        .await
        .unwrap();
    let mut seen = Vec::new();
    for address in [&ann.email, &"nobody@example.org".to_owned()] {
        let lookup: String = world.vault.lookup("email", address).iter().map(|byte| format!("{byte:02x}")).collect();
        for nth in 0..3 {
            let rows = || async {
                let sums =
                    "select array[sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del)]::int[] from pg_stat_xact_user_tables";
                world.db.admin.query_one(sums, &[]).await.unwrap().get::<_, Vec<i32>>(0)
            };
            let call =
                format!("set local role pruuf_anon; select api.begin_session('email', '\\x{lookup}'); reset role");
            world.db.admin.batch_execute("begin").await.unwrap();
            let before = rows().await;
            world.db.admin.batch_execute(&call).await.unwrap();
            let touched: Vec<i32> = rows().await.iter().zip(before).map(|(after, before)| after - before).collect();
            world.db.admin.batch_execute("commit").await.unwrap();
            // The first try of all makes the network's counter, the first at an address without an account its own.
            if nth > 0 {
                seen.push(touched);
            }
        }
    }
    // The network's counter, and the account's or the address's; the trail's row and its place in the sealer's queue.
    assert_eq!(seen, vec![vec![2, 2, 0]; 4]);
    world.stop_servers().await;
}
