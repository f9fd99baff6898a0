//! Configuration: a TOML file, overlaid by `LDSP_*` environment variables. Unknown keys are refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ldsp_protocol::noise::MIN_RHO_MICRO;
use ldsp_protocol::standard::Standard;
use ldsp_ui::oidc;
use serde::Deserialize;

use crate::rights::{PERIODS, Policy};
use crate::schedule::Schedule;

/// The file that is read when `--config` is not given and it exists.
pub const DEFAULT_FILE: &str = "ldsp-node.toml";

/// How logs are written to standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

/// The node's settings. None of them is a secret: keys are files in `data_dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Database and keys.
    pub data_dir: PathBuf,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// How people reach the pages: `https://host[:port]`, nothing behind it.
    pub public_url: Option<String>,
    /// Certificate chain and its key, PEM; otherwise a private authority in `data_dir`.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The LEP's own, smaller privacy budget in millionths of zCDP rho.
    pub rho_micro: Option<u64>,
    /// When releases are prepared and statements submitted: cron, five fields, Europe/London.
    pub schedule: String,
    /// How long records are kept; `None`: nothing goes by itself.
    pub retention: Option<Policy>,
    /// Hosts of feeds that may lie in a private network and be asked without TLS: for feeds of the LEP's own network.
    pub feed_hosts: Vec<String>,
    /// A sentence across every page, such as that the records are not real.
    pub banner: Option<String>,
    /// Form of the logs.
    pub log: LogFormat,
    /// The service with whose accounts people may sign in, the table `[oidc]`; in the file only.
    pub oidc: Option<oidc::Config>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("ldsp-node-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            public_url: None,
            tls: None,
            rho_micro: None,
            schedule: "0 6 5 * *".to_owned(),
            retention: None,
            feed_hosts: Vec::new(),
            banner: None,
            log: LogFormat::Text,
            oidc: None,
        }
    }
}

/// A configuration that cannot be used: where, which key, why and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct ConfigError {
    /// The file, or the environment.
    pub place: String,
    /// Names the key.
    pub cause: String,
    /// What to do next.
    pub next: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    rho_micro: Option<u64>,
    schedule: Option<String>,
    #[serde(default)]
    retention: Retention,
    feed_hosts: Option<Vec<String>>,
    banner: Option<String>,
    log: Option<LogFormat>,
    oidc: Option<oidc::Config>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retention {
    months: Option<u16>,
    schedule: Option<Schedule>,
}

/// Variables with our prefix that are not settings: where the file is, and what builds and tests read.
const NOT_SETTINGS: [&str; 3] = ["LDSP_CONFIG", "LDSP_ASSETS", "LDSP_UPDATE_HELP"];
const ENVIRONMENT: &str = "environment";

impl Config {
    /// How people reach the pages: `public_url`, else where `serve` listens.
    #[must_use]
    pub fn address(&self) -> String {
        let url = self
            .public_url
            .as_deref()
            .map(|url| url.trim_end_matches('/').to_owned());
        url.unwrap_or_else(|| format!("https://{}", self.listen))
    }

    /// Reads `file` (else [`DEFAULT_FILE`] in the current directory when it exists, else nothing)
    /// and overlays `environment`: `LDSP_DATA_DIR` sets `data_dir`, and so on.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read, an unknown key or a value that cannot be.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let default = Path::new(DEFAULT_FILE);
        let path = file.or_else(|| default.exists().then_some(default));
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| ConfigError {
                place: path.display().to_string(),
                cause: format!("the configuration file cannot be read: {error}"),
                next: "Check the path and that this program may read the file.",
            })?,
            None => String::new(),
        };
        let place = path.map_or_else(|| "defaults".to_owned(), |p| p.display().to_string());
        let settings: Settings = toml::from_str(&text).map_err(|error| ConfigError {
            place: place.clone(),
            cause: error.to_string().trim_end().to_owned(),
            next: "Correct or remove the key. The keys are: data_dir, listen, public_url, tls_cert, tls_key, rho_micro, schedule, feed_hosts, banner, log, months and schedule under [retention], and the table [oidc].",
        })?;
        let mut over = from_environment(environment)?;
        let mut settings = settings;
        // Either half of the pair may come from either place: they are put together before they are judged.
        let cert = over.tls_cert.take().or(settings.tls_cert.take());
        let key = over.tls_key.take().or(settings.tls_key.take());
        let retention = Retention {
            months: over.retention.months.or(settings.retention.months),
            schedule: over
                .retention
                .schedule
                .take()
                .or(settings.retention.schedule.take()),
        };
        let base = Self {
            tls: pair(cert, key, &place)?,
            retention: policy(retention, &place)?,
            ..Self::default()
        };
        base.overlaid(settings, &place)?.overlaid(over, ENVIRONMENT)
    }

    fn overlaid(mut self, settings: Settings, place: &str) -> Result<Self, ConfigError> {
        let wrong = |cause: &str, next| ConfigError {
            place: place.to_owned(),
            cause: cause.to_owned(),
            next,
        };
        if let Some(url) = settings.public_url {
            let host = url.strip_prefix("https://").unwrap_or_default();
            if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
                return Err(wrong(
                    "public_url is not an https address without a path",
                    "Write it as https://host or https://host:port.",
                ));
            }
            self.public_url = Some(url);
        }
        if let Some(rho) = settings.rho_micro {
            if !(MIN_RHO_MICRO..=Standard::current().noise().rho_micro).contains(&rho) {
                return Err(wrong(
                    "rho_micro is outside what the data standard allows",
                    "Choose 1000 to 500000 (the standard's own), or remove the key. Smaller protects more.",
                ));
            }
            self.rho_micro = Some(rho);
        }
        if let Some(schedule) = settings.schedule {
            if schedule.split_whitespace().count() != 5 {
                return Err(wrong(
                    "schedule is not a cron expression of five fields",
                    "Write minute, hour, day of month, month and day of week, such as \"0 6 5 * *\" (06:00 on the 5th, Europe/London).",
                ));
            }
            self.schedule = schedule;
        }
        self.data_dir = settings.data_dir.unwrap_or(self.data_dir);
        self.listen = settings.listen.unwrap_or(self.listen);
        if let Some(hosts) = settings.feed_hosts {
            if hosts
                .iter()
                .any(|host| host.trim().is_empty() || host.contains(['/', ' ']))
            {
                return Err(wrong(
                    "feed_hosts names something that is no host",
                    "Write a list of names or addresses alone, such as [\"directory.council.example\"].",
                ));
            }
            self.feed_hosts = hosts;
        }
        self.banner = settings.banner.or(self.banner);
        self.log = settings.log.unwrap_or(self.log);
        if let Some(service) = settings.oidc {
            service
                .check()
                .map_err(|error| wrong(&error.to_string(), error.next))?;
            self.oidc = Some(service);
        }
        Ok(self)
    }
}

/// A period, and when what it is over for goes.
fn policy(retention: Retention, place: &str) -> Result<Option<Policy>, ConfigError> {
    let wrong = |cause: &str, next| ConfigError {
        place: place.to_owned(),
        cause: cause.to_owned(),
        next,
    };
    let Some(months) = retention.months else {
        return match retention.schedule {
            None => Ok(None),
            Some(_) => Err(wrong(
                "retention.schedule is of no use without retention.months",
                "Set months too, or remove the schedule: then nothing is deleted by itself.",
            )),
        };
    };
    if !PERIODS.contains(&months) {
        return Err(wrong(
            "retention.months is no period",
            "Write the number of months after the end of a learner's last enrolment, 1 to 1200.",
        ));
    }
    Ok(Some(Policy {
        schedule: retention
            .schedule
            .unwrap_or_else(|| Policy::of(months).schedule),
        months,
    }))
}

/// Certificate and key: both or neither.
fn pair(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    place: &str,
) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        _ => Err(ConfigError {
            place: place.to_owned(),
            cause: "tls_cert and tls_key belong together".to_owned(),
            next: "Set both, or neither for a private authority in data_dir.",
        }),
    }
}

fn from_environment(
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    let mut table = toml::Table::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix("LDSP_") else {
            continue;
        };
        if NOT_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let key = key.to_lowercase();
        let number = if ["rho_micro", "retention_months"].contains(&key.as_str()) {
            value.parse().ok()
        } else {
            None
        };
        let value = match number {
            Some(number) => toml::Value::Integer(number),
            None if key == "feed_hosts" => {
                let hosts = value.split(',').map(|host| host.trim().to_owned());
                toml::Value::Array(hosts.map(toml::Value::String).collect())
            }
            None => toml::Value::String(value),
        };
        match key.strip_prefix("retention_") {
            Some(key) => {
                let within = table
                    .entry("retention")
                    .or_insert_with(|| toml::Value::Table(toml::Table::new()));
                if let toml::Value::Table(within) = within {
                    within.insert(key.to_owned(), value);
                }
            }
            None => {
                table.insert(key, value);
            }
        }
    }
    table.try_into().map_err(|error: toml::de::Error| ConfigError {
        place: ENVIRONMENT.to_owned(),
        cause: error.to_string().trim_end().to_owned(),
        next: "Correct or unset the variable: LDSP_ and one of DATA_DIR, LISTEN, PUBLIC_URL, TLS_CERT, TLS_KEY, RHO_MICRO, SCHEDULE, RETENTION_MONTHS, RETENTION_SCHEDULE, FEED_HOSTS (with commas between them), BANNER, LOG.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file), env(pairs))
    }

    #[test]
    fn environment_wins_over_the_file() {
        let config = load(
            "data_dir = \"/srv/a\"\nlisten = \"0.0.0.0:443\"\nlog = \"json\"\n",
            &[
                ("LDSP_DATA_DIR", "/srv/b"),
                ("LDSP_RHO_MICRO", "250000"),
                ("LDSP_FEED_HOSTS", "a.example, 10.0.0.1"),
                ("HOME", "/x"),
                ("LDSP_ASSETS", "a"),
            ],
        )
        .unwrap();
        assert_eq!(config.data_dir, Path::new("/srv/b"));
        assert_eq!(config.listen.port(), 443);
        assert_eq!(config.feed_hosts, ["a.example", "10.0.0.1"]);
        assert_eq!(config.rho_micro, Some(250_000));
        assert_eq!(config.log, LogFormat::Json);
    }

    #[test]
    fn a_retention_period_comes_from_either_place_and_is_off_by_default() {
        assert_eq!(load("", &[]).unwrap().retention, None);
        let from_file = load("[retention]\nmonths = 84", &[])
            .unwrap()
            .retention
            .unwrap();
        assert_eq!(
            (from_file.months, from_file.schedule),
            (84, "0 4 * * SUN".parse().unwrap())
        );
        let over = [
            ("LDSP_RETENTION_MONTHS", "72"),
            ("LDSP_RETENTION_SCHEDULE", "0 3 1 * *"),
        ];
        let both = load("[retention]\nmonths = 84", &over)
            .unwrap()
            .retention
            .unwrap();
        assert_eq!(
            (both.months, both.schedule),
            (72, "0 3 1 * *".parse().unwrap())
        );
    }

    #[test]
    fn half_a_pair_from_the_file_and_half_from_the_environment_make_a_pair() {
        let config = load("tls_cert = \"c\"", &[("LDSP_TLS_KEY", "k")]).unwrap();
        assert_eq!(config.tls, Some(("c".into(), "k".into())));
        let both = "tls_cert = \"c\"\ntls_key = \"k\"";
        let config = load(both, &[("LDSP_TLS_CERT", "other")]).unwrap();
        assert_eq!(config.tls, Some(("other".into(), "k".into())));
        assert!(load("", &[("LDSP_TLS_KEY", "k")]).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_with_file_key_and_fix() {
        for (text, key) in [
            ("data_directory = \"x\"", "data_directory"),
            ("listen = \"somewhere\"", "listen"),
            ("rho_micro = 500001", "rho_micro"),
            ("rho_micro = 0", "rho_micro"),
            ("schedule = \"0 0 6 5 * *\"", "schedule"),
            ("feed_hosts = [\"https://x/y\"]", "feed_hosts"),
            ("public_url = \"http://x\"", "public_url"),
            ("public_url = \"https://x/y\"", "public_url"),
            ("tls_cert = \"x\"", "tls_key"),
            ("log = \"xml\"", "log"),
            ("log", "log"),
            ("[retention]\nmonths = 0", "retention.months"),
            ("[retention]\nmonths = 1201", "retention.months"),
            ("[retention]\nschedule = \"0 4 * * *\"", "retention.months"),
            (
                "[retention]\nmonths = 9\nschedule = \"0 4 * *\"",
                "schedule",
            ),
            ("[retention]\nyears = 7", "years"),
            ("[oidc]\nissuer = \"https://id.example\"", "client_id"),
            (
                "[oidc]\nissuer = \"http://id.example\"\nclient_id = \"x\"\nname = \"y\"",
                "issuer",
            ),
            (
                "[oidc]\nissuer = \"https://id.example\"\nclient_id = \"x\"\nname = \"y\"\nsecret = \"z\"",
                "secret",
            ),
        ] {
            let error = load(text, &[]).unwrap_err();
            assert!(error.place.ends_with("node.toml"), "{error}");
            assert!(error.cause.contains(key), "{text}: {error}");
            assert!(!error.next.is_empty());
        }
        for pair in [
            ("LDSP_DATADIR", "x"),
            ("LDSP_RHO_MICRO", "many"),
            ("LDSP_LOG", "xml"),
        ] {
            let error = load("", &[pair]).unwrap_err();
            assert_eq!(error.place, "environment", "{error}");
        }
        let error = Config::load(Some(Path::new("/nowhere/x.toml")), []).unwrap_err();
        assert!(error.to_string().contains("/nowhere/x.toml"), "{error}");
    }
}
