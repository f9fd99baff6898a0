//! A sign-in service that does as the tests tell it, over TLS with an authority of its own.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::sync::{Semaphore, oneshot};

use super::{Key, NOW, keys};
use crate::tls::PrivateCa;

/// What the service says and has heard.
pub(super) struct Told {
    /// Signs the tokens.
    pub(super) key: Key,
    pub(super) published: Vec<Key>,
    pub(super) metadata: Value,
    pub(super) claims: Value,
    /// In the place of tokens.
    pub(super) refuses: Option<(u16, Value)>,
    /// How often discovery document and keys were asked for.
    pub(super) asked: (usize, usize),
    /// The last token request.
    pub(super) form: HashMap<String, String>,
    pub(super) authorization: Option<String>,
    /// Token requests under way; they wait here until the test lets them go.
    pub(super) under_way: usize,
    pub(super) gate: Option<Arc<Semaphore>>,
}

pub(super) struct Service {
    pub(super) issuer: String,
    pub(super) authority: NamedTempFile,
    told: Arc<Mutex<Told>>,
    _stop: oneshot::Sender<()>,
}

type Shared = State<Arc<Mutex<Told>>>;

async fn discovery(State(told): Shared) -> Json<Value> {
    let mut told = told.lock().unwrap();
    told.asked.0 += 1;
    Json(told.metadata.clone())
}

async fn key_set(State(told): Shared) -> Json<Value> {
    let mut told = told.lock().unwrap();
    told.asked.1 += 1;
    let mut keys: Vec<Value> = told.published.iter().map(|k| k.public.clone()).collect();
    // Services publish what is for others.
    keys.push(json!({"kty": "future", "kid": "x", "alg": "ML-DSA-44", "pub": "AA"}));
    Json(json!({ "keys": keys }))
}

async fn token(
    State(told): Shared,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let gate = {
        let mut told = told.lock().unwrap();
        told.under_way += 1;
        told.gate.clone()
    };
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
    let mut told = told.lock().unwrap();
    told.under_way -= 1;
    told.form = form;
    let sent = headers.get(header::AUTHORIZATION);
    told.authorization = sent.map(|value| value.to_str().unwrap().to_owned());
    if let Some((status, body)) = &told.refuses {
        return (StatusCode::from_u16(*status).unwrap(), Json(body.clone()));
    }
    let id_token = told.key.sign(&told.claims);
    let body = json!({"access_token": "at-1", "token_type": "Bearer", "id_token": id_token});
    (StatusCode::OK, Json(body))
}

impl Service {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("https://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told {
            key: keys()[1].clone(),
            published: vec![keys()[1].clone(), keys()[0].clone()],
            metadata: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth?tenant=1"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
            }),
            claims: json!({"iss": issuer, "sub": "u-1", "aud": "ldsp", "exp": NOW + 300, "iat": NOW}),
            refuses: None,
            asked: (0, 0),
            form: HashMap::new(),
            authorization: None,
            under_way: 0,
            gate: None,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(key_set))
            .route("/token", post(token))
            .with_state(told.clone());
        let year = |year: i16| -> Timestamp { format!("{year}-01-01T00:00:00Z").parse().unwrap() };
        let ca = PrivateCa::generate(year(2020), year(2100)).unwrap();
        let issued = ca.issue(&["127.0.0.1"], year(2020), year(2100)).unwrap();
        let authority = NamedTempFile::new().unwrap();
        std::fs::write(&authority, ca.certificate_pem()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        tokio::spawn(crate::serve(
            listener,
            issued.material().unwrap(),
            router,
            shutdown,
        ));
        Self {
            issuer,
            authority,
            told,
            _stop: stop,
        }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}
