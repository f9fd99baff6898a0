//! Signing in with accounts of a real OpenID provider (npm oidc-provider) on both servers.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail"
)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use ldsp_tests::program::{Program, Server};
use ldsp_tests::world::{Federation, Node, path};
use ldsp_ui::tls::PrivateCa;
use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Certificate, Client, Method, Url, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const SECRET: &str = "canary-client-secret-of-48-characters-0123456789";

/// The provider's process.
struct Provider {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    issuer: String,
    authority: PathBuf,
    dir: TempDir,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the programs under test judge certificates by the system's clock"
)]
fn certificates(dir: &Path) -> [PathBuf; 3] {
    let (now, day) = (Timestamp::now(), SignedDuration::from_hours(24));
    let ca = PrivateCa::generate(now - day, now + day).unwrap();
    let issued = ca.issue(&["127.0.0.1"], now - day, now + day).unwrap();
    let write = |name: &str, text: &str| {
        let file = dir.join(name);
        fs::write(&file, text).unwrap();
        file
    };
    [
        write("ca.pem", ca.certificate_pem()),
        write("cert.pem", &issued.certificate_pem),
        write("key.pem", &issued.key_pem),
    ]
}

impl Provider {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            tests.join("node_modules/oidc-provider").exists(),
            "npm oidc-provider is missing: run `npm ci` in tests first (tests/run does)"
        );
        let [authority, certificate, key] = certificates(dir.path());
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new("node")
            .arg(tests.join("third-party/oidc.mjs"))
            .args([certificate, key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("Node is there: it built the pages");
        let mut provider = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            issuer: String::new(),
            authority,
            child,
            dir,
        };
        provider.issuer = provider.line();
        provider
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let log = self.dir.path().join("log");
        assert!(!line.is_empty(), "{}", fs::read_to_string(log).unwrap());
        line.trim().to_owned()
    }

    fn tell(&mut self, what: &Value) {
        writeln!(self.input, "{what}").unwrap();
        assert_eq!(self.line(), "done");
    }

    /// The table `[oidc]` for a client, in a file of its own.
    fn config(&self, client: &str, more: &str) -> PathBuf {
        let text = format!(
            "[oidc]\nissuer = {:?}\nclient_id = {client:?}\nca_file = {:?}\nname = \"Council account\"\n{more}",
            self.issuer, self.authority
        );
        let file = self.dir.path().join(format!("{client}.toml"));
        fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The line of a configuration that names the client's secret.
fn secret(provider: &Provider) -> String {
    let file = provider.dir.path().join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    format!("client_secret_file = {file:?}\n")
}

fn client(id: &str, site: &str, algorithm: &str, method: &str) -> Value {
    json!({
        "client_id": id, "client_secret": SECRET, "redirect_uris": [format!("{site}/sign-in/back")],
        "response_types": ["code"], "grant_types": ["authorization_code"],
        "post_logout_redirect_uris": [format!("{site}/sign-in/out/there")],
        "id_token_signed_response_alg": algorithm, "token_endpoint_auth_method": method,
    })
}

/// A browser that keeps cookies by host and port, and shows where it was sent.
struct Browser {
    runtime: Runtime,
    client: Client,
    jar: HashMap<String, HashMap<String, String>>,
}

struct Page {
    url: Url,
    status: u16,
    text: String,
}

impl Page {
    #[track_caller]
    fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}: {}", self.url, self.text);
        assert!(self.text.contains(words), "{words:?} in {}", self.text);
    }

    fn field(&self, name: &str) -> String {
        let after = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let value = after.expect("the form has this field").split('"').next();
        value.unwrap().to_owned()
    }

    /// Where its one link to the site at `origin` leads.
    fn link_to(&self, origin: &str) -> String {
        let mut links = self.text.split("href=\"").skip(1);
        let link = links.find(|rest| rest.starts_with(origin));
        let link = link.expect("the page has such a link").split('"').next();
        link.unwrap().replace("&#38;", "&")
    }
}

impl Browser {
    fn new(authorities: &[&Path]) -> Self {
        let certificates = authorities
            .iter()
            .map(|file| Certificate::from_pem(&fs::read(file).unwrap()).unwrap());
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .tls_certs_only(certificates)
            .build()
            .unwrap();
        Self {
            runtime: Runtime::new().unwrap(),
            client,
            jar: HashMap::new(),
        }
    }

    fn send(
        &mut self,
        method: Method,
        url: &Url,
        form: Option<&[(&str, &str)]>,
    ) -> (Page, Option<Url>) {
        let jar = self.jar.entry(url.authority().to_owned()).or_default();
        let cookies: Vec<String> = jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut request = self.client.request(method, url.clone());
        request = request.header(COOKIE, cookies.join("; "));
        if let Some(form) = form {
            let mut carrier = url.clone();
            carrier.query_pairs_mut().clear().extend_pairs(form);
            request = request
                .header("origin", url.origin().ascii_serialization())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(carrier.query().unwrap_or_default().to_owned());
        }
        let (status, headers, text) = self.runtime.block_on(async {
            let reply = request.send().await.unwrap();
            (
                reply.status().as_u16(),
                reply.headers().clone(),
                reply.text().await.unwrap(),
            )
        });
        for cookie in headers.get_all(SET_COOKIE).iter().map(HeaderValue::to_str) {
            let (name, value) = cookie
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let next = headers
            .get(LOCATION)
            .map(|to| url.join(to.to_str().unwrap()).unwrap());
        let page = Page {
            url: url.clone(),
            status,
            text,
        };
        (page, next)
    }

    fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        let (page, next) = self.send(Method::POST, &Url::parse(url).unwrap(), Some(form));
        next.map_or(page, |next| self.follow(next, ""))
    }

    fn get(&mut self, url: &str) -> Page {
        self.follow(Url::parse(url).unwrap(), "")
    }

    /// Goes where it is sent; at the provider it is `who` (`login=NAME` or `refuse`).
    fn follow(&mut self, mut url: Url, who: &str) -> Page {
        for _ in 0..12 {
            if url.path().starts_with("/interaction/") {
                url.set_query(Some(who));
            }
            let (page, next) = self.send(Method::GET, &url, None);
            match next {
                Some(next) => url = next,
                None => return page,
            }
        }
        panic!("sent around in a circle at {url}");
    }

    fn sign_in(&mut self, site: &str, who: &str, next: &str) -> Page {
        let button = format!("{site}/sign-in/with?next={next}");
        self.follow(Url::parse(&button).unwrap(), who)
    }
}

/// A server that people sign in to, and what is theirs on it.
struct Site {
    program: Program,
    url: String,
    authority: PathBuf,
    _server: Option<Server>,
}

impl Site {
    fn of_node(node: &Node, config: &Path) -> Self {
        let program = node.program.clone().with("LDSP_CONFIG", path(config));
        let server = program.serve();
        Self {
            authority: program.data.join("ca.pem"),
            program,
            url: format!("https://{}", server.address),
            _server: Some(server),
        }
    }

    /// The aggregator, started again with this configuration.
    fn of_aggregator(federation: &mut Federation, config: &Path) -> Self {
        federation.kill();
        federation.aggregator = federation
            .aggregator
            .clone()
            .with("LDSP_CONFIG", path(config));
        federation.start();
        Self {
            authority: federation.aggregator.data.join("ca-cert.pem"),
            program: federation.aggregator.clone(),
            url: format!("https://{}", federation.gate.address),
            _server: None,
        }
    }

    fn browser(&self, provider: &Provider) -> Browser {
        Browser::new(&[&self.authority, &provider.authority])
    }

    /// Nothing that opens anything is in what the program said, at the most talkative level.
    fn said_nothing_secret(&self) {
        for (file, bytes) in self.program.said() {
            let text = String::from_utf8_lossy(&bytes);
            for secret in [
                SECRET,
                "code_verifier=",
                "id_token",
                "eyJ",
                "code=",
                "state=",
            ] {
                assert!(!text.contains(secret), "{file} holds {secret}");
            }
        }
    }
}

/// The whole way on one server, where `page` is for people who signed in.
fn whole_way(site: &Site, provider: &mut Provider, name: &str, page: &str) {
    let (program, url) = (&site.program, site.url.as_str());
    site.browser(provider)
        .get(&format!("{url}/sign-in"))
        .says(200, "Sign in with Council account");
    let unknown = site.browser(provider).sign_in(url, "login=u-1", page);
    unknown.says(403, "Subject (sub): u-1");
    unknown.says(403, &provider.issuer);

    let nobody = program.run(&["people", "connect", "Nobody", "u-1"]);
    assert_eq!(nobody.code, Some(1), "{}", nobody.stderr);
    program.run(&["people", "connect", name, "u-1"]).done();
    let listed = program.run(&["people", "accounts"]).done();
    assert!(
        listed.contains(name) && listed.contains("sub u-1"),
        "{listed}"
    );
    let mut browser = site.browser(provider);
    let landed = browser.sign_in(url, "login=u-1", page);
    assert_eq!(landed.url.path(), page);
    landed.says(200, name);

    // Signing out ends the session here; the one at the provider goes on.
    let out = browser.post(&format!("{url}/sign-out"), &[]);
    out.says(200, "You are signed out here");
    assert_eq!(browser.get(&format!("{url}{page}")).url.path(), "/sign-in");
    let again = browser.sign_in(url, "login=nobody-is-asked", page);
    again.says(200, name);
    // Until the person ends that one too (RP-Initiated Logout 1.0): the provider asks whether they mean it, and then who it is.
    let out = browser.post(&format!("{url}/sign-out"), &[]);
    let asked = browser.get(&out.link_to(&provider.issuer));
    let form = [("xsrf", asked.field("xsrf")), ("logout", "yes".into())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let confirm = format!("{}/session/end/confirm", provider.issuer);
    let done = browser.post(&confirm, &form);
    assert_eq!(done.url.as_str(), format!("{url}/sign-in/out/there"));
    done.says(200, "You are signed out");
    let unknown = browser.sign_in(url, "login=u-2", page);
    unknown.says(403, "Subject (sub): u-2");
    let mut browser = site.browser(provider);
    browser.sign_in(url, "login=u-1", page).says(200, name);

    site.browser(provider)
        .sign_in(url, "refuse", page)
        .says(403, "You stopped there");
    // Other keys, known under other names: the site asks for them.
    provider.tell(&json!({"keys": "anew"}));
    let landed = site.browser(provider).sign_in(url, "login=u-1", page);
    landed.says(200, name);

    program.run(&["people", "disconnect", name, "u-1"]).done();
    let unknown = site.browser(provider).sign_in(url, "login=u-1", page);
    unknown.says(403, "not connected yet");
    let ended = browser.get(&format!("{url}{page}"));
    assert_eq!(ended.url.path(), "/sign-in", "its sessions ended with it");
    let gone = program.run(&["people", "disconnect", name, "u-1"]);
    assert_eq!(gone.code, Some(1), "{}", gone.stderr);
    site.said_nothing_secret();
}

#[test]
fn people_sign_in_to_a_node_with_their_own_accounts() {
    let federation = Federation::new();
    let node = federation.node("black-country", "E37000001");
    let mut provider = Provider::start();
    let config = provider.config("node", &secret(&provider));
    let site = Site::of_node(&node, &config);
    provider.tell(&json!({"clients": [client("node", &site.url, "ES256", "client_secret_basic")]}));
    whole_way(&site, &mut provider, &node.approver.name, "/people");

    // A person connects their account from a session of their own, and the account of nobody else.
    let mut browser = site.browser(&provider);
    let form = [
        ("name", node.approver.name.as_str()),
        ("secret", &node.approver.secret),
        ("next", "/sign-in/mine"),
    ];
    browser
        .post(&format!("{}/sign-in", site.url), &form)
        .says(200, "Connect Council account");
    let connect = Url::parse(&format!("{}/sign-in/connect", site.url)).unwrap();
    let asked = browser.follow(connect, "login=u-7");
    asked.says(200, "Is this you?");
    let form = [
        ("proposal", asked.field("proposal")),
        ("secret", node.approver.secret.clone()),
    ];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser
        .post(&format!("{}/sign-in/connect", site.url), &form)
        .says(200, "The account is connected");
    let landed = site
        .browser(&provider)
        .sign_in(&site.url, "login=u-7", "/people");
    landed.says(200, &node.approver.name);
    // Who is removed is out at once, however they came in.
    let mut browser = site.browser(&provider);
    browser
        .sign_in(&site.url, "login=u-7", "/people")
        .says(200, &node.approver.name);
    node.program
        .run(&["people", "remove", &node.approver.name])
        .done();
    assert_eq!(
        browser.get(&format!("{}/people", site.url)).url.path(),
        "/sign-in"
    );
    site.browser(&provider)
        .sign_in(&site.url, "login=u-7", "/people")
        .says(403, "not connected yet");
    site.said_nothing_secret();
}

#[test]
fn a_node_may_know_its_people_by_verified_addresses_and_take_no_secrets() {
    let federation = Federation::new();
    let node = federation.node("black-country", "E37000001");
    let mut provider = Provider::start();
    let config = provider.config("public", "claim = \"email\"\nrequired = true\n");
    let site = Site::of_node(&node, &config);
    let mut public = client("public", &site.url, "EdDSA", "none");
    public.as_object_mut().unwrap().remove("client_secret");
    provider.tell(&json!({ "clients": [public] }));
    let name = node.approver.name.as_str();
    let form = [
        ("name", name),
        ("secret", &node.approver.secret),
        ("next", "/"),
    ];
    let refused = site
        .browser(&provider)
        .post(&format!("{}/sign-in", site.url), &form);
    refused.says(403, "takes no secrets");
    site.program
        .run(&["people", "connect", name, "Ben.E@example.org"])
        .done();
    let landed = site
        .browser(&provider)
        .sign_in(&site.url, "login=ben.e", "/people");
    landed.says(200, name);
    site.program
        .run(&["people", "connect", name, "newcomer@example.org"])
        .done();
    let refused = site
        .browser(&provider)
        .sign_in(&site.url, "login=newcomer", "/people");
    refused.says(403, "does not vouch for your e-mail address");
    site.said_nothing_secret();
}

#[test]
fn people_sign_in_to_the_aggregator_with_their_own_accounts() {
    let mut federation = Federation::new();
    let mut provider = Provider::start();
    let config = provider.config("national", &secret(&provider));
    let site = Site::of_aggregator(&mut federation, &config);
    provider
        .tell(&json!({"clients": [client("national", &site.url, "RS256", "client_secret_post")]}));
    let operator = federation.operator.name.clone();
    whole_way(&site, &mut provider, &operator, "/operator/nodes");

    // The page where operators note who is whom.
    site.program
        .run(&["people", "add", "Cass", "--role", "curator"])
        .done();
    site.program
        .run(&["people", "connect", &operator, "u-1"])
        .done();
    let mut browser = site.browser(&provider);
    let page = format!("{}/sign-in/people", site.url);
    browser
        .sign_in(&site.url, "login=u-1", "/operator/nodes")
        .says(200, &operator);
    browser.get(&page).says(200, "u-1");
    let form = [("what", "connect"), ("person", "Cass"), ("value", "u-9")];
    browser
        .post(&page, &form)
        .says(200, "Cass signs in with this account now");
    let mut cass = site.browser(&provider);
    cass.sign_in(&site.url, "login=u-9", "/about")
        .says(200, ">Cass</a></strong> (curator)");
    cass.get(&page).says(403, "role_not_allowed");
    site.said_nothing_secret();
}
