//! Configuration: a TOML file, overlaid by `LDSP_*` environment variables. Unknown keys are refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ldsp_ui::oidc;
use ldsp_ui::schedule::Schedule;
use serde::Deserialize;

use crate::store::DatabaseUrl;

/// The file that is read when `--config` is not given and it exists.
const DEFAULT_FILE: &str = "ldsp-aggregator.toml";
const KEYS: &str = "The keys are: data_dir, database, listen, tls_cert, tls_key, tls_ca, benchmark_schedule, banner, about, log, and the table [oidc].";

/// The 15th of each month at 06:00: most areas release on the 5th.
const MONTHLY: &str = "0 6 15 * *";

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

/// The server's settings. The only secret among them is a password in `database`, which is never shown: keys are files
/// in `data_dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Keys, what `init` wrote and, unless `database` names another, the database.
    pub data_dir: PathBuf,
    /// `sqlite:PATH` or `postgres://user:password@host/name`; otherwise a SQLite file in `data_dir`.
    pub database: Option<DatabaseUrl>,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// Certificate chain and its key, PEM; otherwise the private authority in `data_dir`.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Certificate authority behind `tls`, PEM, handed to nodes with their invites where it is not one that operating
    /// systems trust.
    pub tls_ca: Option<PathBuf>,
    /// When `serve` freezes all figures in a benchmark run: five cron fields on London's clock.
    pub benchmark_schedule: Schedule,
    /// A sentence across every page, such as that a site is a demonstration.
    pub banner: Option<String>,
    /// What the About page says of the data on this site; blank lines between paragraphs.
    pub about: Option<String>,
    /// Form of the logs.
    pub log: LogFormat,
    /// The service with whose accounts people may sign in, the table `[oidc]`; in the file only.
    pub oidc: Option<oidc::Config>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("ldsp-aggregator-data"),
            database: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            tls: None,
            tls_ca: None,
            benchmark_schedule: MONTHLY
                .parse()
                .expect("a constant schedule, read by the test of the defaults"),
            banner: None,
            about: None,
            log: LogFormat::Text,
            oidc: None,
        }
    }
}

/// A configuration that cannot be used: where, what and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct ConfigError {
    /// The file, or the environment.
    pub place: String,
    /// Names the key.
    pub cause: String,
    /// What to do.
    pub next: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    data_dir: Option<PathBuf>,
    database: Option<DatabaseUrl>,
    listen: Option<SocketAddr>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    benchmark_schedule: Option<Schedule>,
    banner: Option<String>,
    about: Option<String>,
    log: Option<LogFormat>,
    oidc: Option<oidc::Config>,
}

/// Variables with our prefix that are not settings.
const NOT_SETTINGS: [&str; 2] = ["LDSP_CONFIG", "LDSP_ASSETS"];

impl Config {
    /// Reads `file` (else `ldsp-aggregator.toml` when it exists, else nothing) and overlays
    /// `environment`: `LDSP_DATA_DIR` sets `data_dir`, and so on.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value that cannot be.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let default = Path::new(DEFAULT_FILE);
        let mut config = Self::default();
        // Either half of the pair may come from either place: they are put together before they are judged.
        let mut tls = (None, None);
        if let Some(path) = file.or_else(|| default.exists().then_some(default)) {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| ConfigError {
                place: place.clone(),
                cause: format!("the file cannot be read: {e}"),
                next: "Check the path and that this program may read the file.".to_owned(),
            })?;
            let settings = toml::from_str(&text).map_err(|e| {
                let start = e.span().map_or(0, |span| span.start);
                let line = text.bytes().take(start).filter(|b| *b == b'\n').count() + 1;
                wrong_key(&format!("{place}, line {line}"), &e)
            })?;
            config.overlay(settings, &mut tls);
            if let Some(service) = &config.oidc {
                service.check().map_err(|error| ConfigError {
                    place,
                    cause: error.to_string(),
                    next: error.next.to_owned(),
                })?;
            }
        }
        let table: toml::Table = environment
            .into_iter()
            .filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str()))
            .filter_map(|(name, value)| {
                let key = name.strip_prefix("LDSP_")?.to_lowercase();
                Some((key, toml::Value::String(value)))
            })
            .collect();
        let place = "environment (LDSP_*)";
        let settings = table.try_into().map_err(|e| wrong_key(place, &e))?;
        config.overlay(settings, &mut tls);
        config.tls = match tls {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return Err(ConfigError {
                    place: "settings".to_owned(),
                    cause: "tls_cert and tls_key belong together".to_owned(),
                    next: "Set both, or neither for the private authority in data_dir.".to_owned(),
                });
            }
        };
        Ok(config)
    }

    fn overlay(&mut self, settings: Settings, tls: &mut (Option<PathBuf>, Option<PathBuf>)) {
        tls.0 = settings.tls_cert.or(tls.0.take());
        tls.1 = settings.tls_key.or(tls.1.take());
        if let Some(dir) = settings.data_dir {
            self.data_dir = dir;
        }
        if let Some(listen) = settings.listen {
            self.listen = listen;
        }
        if let Some(log) = settings.log {
            self.log = log;
        }
        if let Some(schedule) = settings.benchmark_schedule {
            self.benchmark_schedule = schedule;
        }
        self.oidc = settings.oidc.or(self.oidc.take());
        self.database = settings.database.or(self.database.take());
        self.tls_ca = settings.tls_ca.or(self.tls_ca.take());
        self.banner = settings.banner.or(self.banner.take());
        self.about = settings.about.or(self.about.take());
    }
}

fn wrong_key(place: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError {
        place: place.to_owned(),
        cause: error.message().to_owned(),
        next: format!("Correct or remove the key. {KEYS}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.toml");
        std::fs::write(&file, text).unwrap();
        let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Config::load(Some(&file), pairs)
    }

    #[test]
    fn environment_wins_over_the_file() {
        let pairs = [("LDSP_DATA_DIR", "b"), ("LDSP_CONFIG", "x"), ("HOME", "h")];
        let config = load("data_dir = \"a\"\nlog = \"json\"", &pairs).unwrap();
        assert_eq!(config.data_dir, Path::new("b"));
        assert_eq!(config.log, LogFormat::Json);
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
    fn unknown_keys_are_refused_wherever_they_stand() {
        assert!(
            load("colour = 1", &[])
                .unwrap_err()
                .cause
                .contains("colour")
        );
        let error = load("", &[("LDSP_COLOUR", "x")]).unwrap_err();
        assert!(error.cause.contains("colour"), "{error}");
        assert!(load("tls_cert = \"x\"", &[]).is_err());
        let table = "[oidc]\nissuer = \"http://id.example\"\nclient_id = \"x\"\nname = \"y\"";
        let error = load(table, &[]).unwrap_err();
        assert!(error.cause.contains("issuer"), "{error}");
        let table = table.replace("http:", "https:");
        assert!(load(&table, &[]).unwrap().oidc.is_some());
        let error = load(&format!("{table}\nsecret = \"z\""), &[]).unwrap_err();
        assert!(error.cause.contains("secret"), "{error}");
    }

    #[test]
    fn runs_are_made_when_the_schedule_says() {
        assert_eq!(load("", &[]).unwrap(), Config::default());
        let weekly = [("LDSP_BENCHMARK_SCHEDULE", "0 6 * * MON")];
        let config = load("benchmark_schedule = \"0 6 1 * *\"", &weekly).unwrap();
        assert_eq!(config.benchmark_schedule, "0 6 * * MON".parse().unwrap());
        let error = load("benchmark_schedule = \"0 6 * * 1\"", &[]).unwrap_err();
        assert!(error.cause.contains("weekday"), "{error}");
    }
}
