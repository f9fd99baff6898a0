//! Asks for pages as a browser does, through the whole site: sign-in, role table, origin check, frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use ldsp_aggregator::pages;
use ldsp_aggregator::store::Staff as _;
use ldsp_ui::Entropy;
use ldsp_ui::accounts::{Act, By, Change, WayIn};
use ldsp_ui::secret::{self, Secret};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tower::ServiceExt;

use crate::synthetic::{World, world};

pub(crate) const HERE: &str = "https://site.example";

/// Of each role there is one, named after it.
pub(crate) const ROLES: [&str; 4] = ["operator", "analyst", "partner", "curator"];

pub(crate) struct Browser {
    pub(crate) world: World,
    router: Router,
    /// Everybody's.
    pub(crate) secret: String,
    directory: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// What it gave a browser to keep, as the browser sends it.
    pub(crate) fn cookies(&self) -> String {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs = all.filter_map(|value| value.to_str().ok()?.split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    }
}

impl Browser {
    pub(crate) async fn open() -> Self {
        Self::with_banner(None).await
    }

    pub(crate) async fn with_banner(banner: Option<&str>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let now = "2026-11-22T10:00:00Z".parse().expect("a moment");
        let world = world(&directory.path().join("db"), now).await;
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let typed = Secret::generate(&mut rng);
        let hash = secret::hash(&typed, &mut rng).expect("a hash");
        for role in ROLES {
            let change = Change::Add {
                name: role,
                role,
                organisation: "",
                way_in: WayIn::Secret(&hash),
            };
            let by = By {
                who: "command line",
                now,
            };
            let added = world.service.store.change(&change, by).await;
            assert_eq!(added.expect("a store"), Act::Done);
        }
        let draws = AtomicU64::new(0);
        let entropy: Entropy = Arc::new(move || {
            let seed = draws.fetch_add(1, Ordering::Relaxed);
            Box::new(ChaCha20Rng::seed_from_u64(seed))
        });
        let router = pages::site(&world.service, HERE, banner, None, entropy).expect("an origin");
        Self {
            world,
            router,
            secret: typed.reveal(),
            directory,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).expect("text"),
        }
    }

    /// Writes into the database behind the program's back.
    pub(crate) async fn damage(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.directory.path().join("db"));
        let mut connection = options.connect().await.expect("a database");
        let done = sqlx::raw_sql(sql).execute(&mut connection).await;
        done.expect("what the test wrote");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        self.send(request).await
    }

    pub(crate) async fn shows(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        for broken in [
            "NaN",
            "inf,",
            "could not be shown",
            "style=\"",
            "spell",
            "pseudonymous",
        ] {
            assert!(!answer.body.contains(broken), "{path} holds {broken}");
        }
        answer.body
    }

    pub(crate) async fn sign_in(&self, role: &str) -> Answer {
        let body = format!("name={role}&secret={}&next=/", self.secret);
        self.send(post("/sign-in", None, &body)).await
    }

    pub(crate) async fn as_person(&self, role: &str, path: &str, form: Option<&str>) -> Answer {
        let signed_in = self.sign_in(role).await;
        self.with_cookies(&signed_in.cookies(), path, form).await
    }

    /// Asks with these cookies: a page, or by sending a form.
    pub(crate) async fn with_cookies(
        &self,
        cookies: &str,
        path: &str,
        form: Option<&str>,
    ) -> Answer {
        match form {
            Some(form) => self.send(post(path, Some(cookies), form)).await,
            None => {
                let request = Request::get(path).header(header::COOKIE, cookies);
                self.send(request.body(Body::empty()).expect("a request"))
                    .await
            }
        }
    }
}

pub(crate) fn post(path: &str, cookie: Option<&str>, form: &str) -> Request<Body> {
    Request::post(path)
        .header(header::ORIGIN, HERE)
        .header(header::HOST, "site.example")
        .header(header::COOKIE, cookie.unwrap_or_default())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request")
}
