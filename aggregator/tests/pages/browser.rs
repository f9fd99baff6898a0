//! Asks for pages as a browser does, through the whole site: sign-in, role table, origin check, frame.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use ldsp_aggregator::pages;
use ldsp_ui::secret::{self, Secret};
use ldsp_ui::{People, PeopleError, PersonRecord, Role, Site};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tower::ServiceExt;

use crate::synthetic::{World, world};

pub(crate) const HERE: &str = "https://site.example";

struct Staff(Vec<PersonRecord>);

impl People for Staff {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(self.0.iter().find(|p| p.name == name).cloned())
    }
}

pub(crate) struct Browser {
    pub(crate) world: World,
    router: Router,
    secret: String,
    directory: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
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
        let people = ["operator", "analyst", "partner", "curator"]
            .map(|role| PersonRecord::new(role, Role::new(role), hash.clone()));
        let site = Site::new(
            pages::frame(banner),
            HERE,
            Staff(people.to_vec()),
            world.service.clock.clone(),
        );
        let site = site.expect("an origin").roles(pages::roles());
        let router = site.router(pages::router(world.service.clone()), Router::new());
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

    pub(crate) async fn as_person(&self, role: &str, path: &str, form: Option<&str>) -> Answer {
        let body = format!("name={role}&secret={}&next=/", self.secret);
        let signed_in = self.send(post("/sign-in", None, &body)).await;
        let cookie = signed_in.headers[header::SET_COOKIE]
            .to_str()
            .expect("text");
        let cookie = cookie.split(';').next();
        match form {
            Some(form) => self.send(post(path, cookie, form)).await,
            None => {
                let request = Request::get(path).header(header::COOKIE, cookie.unwrap_or_default());
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
