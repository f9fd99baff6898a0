//! The aggregator of the demonstration and the authority that signs every site's certificate.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::{Timestamp, ToSpan as _};
use ldsp_aggregator::Service;
use ldsp_aggregator::announce::Act;
use ldsp_aggregator::app::{self, Config, Identity, InviteOrder};
use ldsp_aggregator::benchmark::Snapshot;
use ldsp_aggregator::questionnaires::{self, Progress};
use ldsp_aggregator::store::{DatabaseUrl, Log as _, Registry as _, Role, Staff as _};
use ldsp_protocol::geography::Lep;
use ldsp_protocol::ids::Digest;
use ldsp_ui::accounts::By;
use ldsp_ui::secret::Secret;
use ldsp_ui::tls::PrivateCa;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::report::{DIFFERENCE, SignIn};
use super::{BANNER, Plan, questionnaire};

/// The log's name.
const ORIGIN: &str = "demonstration.ldsp.example";

/// What the figures were made of, for the About page.
const SOURCES: &str = "This is a demonstration. For each LEP it takes the enrolments and achievements in information and communication technology \
    (education and training, 2021/22) that the Department for Education published for its local skills dashboard, by level: entry level and level 1 \
    stand as basic, level 2 and not assigned as general, level 3 and above as advanced. District figures only share them out within a LEP. Learners, \
    programmes, months, outcomes other than achievement, the practice entries and the answers to the questionnaire are made up.";

/// The running aggregator.
pub(super) struct Centre {
    config: Config,
    url: String,
    service: Arc<Service>,
    operator: SignIn,
    /// Everybody else.
    others: Vec<SignIn>,
    authority: Authority,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), app::Refused>>,
}

impl Centre {
    pub(super) async fn open(
        dir: &Path,
        listener: TcpListener,
        database: Option<DatabaseUrl>,
        plan: &Plan,
    ) -> anyhow::Result<Self> {
        let authority = Authority::make(dir.parent().unwrap_or(dir))?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let config = Config {
            data_dir: dir.to_owned(),
            database,
            tls: Some(authority.issue("aggregator")?),
            tls_ca: Some(authority.file.clone()),
            banner: Some(BANNER.to_owned()),
            about: Some(format!("{SOURCES}\n\n{DIFFERENCE}")),
            ..Config::default()
        };
        let identity = Identity {
            origin: ORIGIN.to_owned(),
            public_url: url.clone(),
        };
        let mut rng = app::system_entropy();
        app::init(&config, &identity, (plan.clock)(), &mut rng)?;
        let running = app::open(&config, plan.clock.clone(), plan.phones.clone()).await?;
        let service = running.service().clone();
        // The log has states of its own from its first start.
        let (nodes, people) = (service.store.nodes().await?, service.store.people().await?);
        if !nodes.is_empty() || !people.is_empty() {
            bail!(
                "the database is not empty. Give --database an empty one: each demonstration starts afresh"
            );
        }
        let mut person = async |name: &str, role: Role| -> anyhow::Result<SignIn> {
            let by = By {
                who: "demonstration",
                now: (plan.clock)(),
            };
            let added = app::add_person(&service.store, name, role, by, &mut rng).await?;
            Ok(SignIn {
                name: added.name,
                role: added.role.to_owned(),
                secret: added.secret,
            })
        };
        let operator = person("Olu", Role::Operator).await?;
        let mut others = Vec::new();
        for (name, role) in [
            ("Ann", Role::Analyst),
            ("Pia", Role::Partner),
            ("Cora", Role::Curator),
        ] {
            others.push(person(name, role).await?);
        }
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(running.serve(listener, async {
            // A dropped sender ends the server too.
            let _ended = stopped.await;
        }));
        Ok(Self {
            config,
            url,
            service,
            operator,
            others,
            authority,
            stop,
            serving,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn people(&self) -> Vec<SignIn> {
        std::iter::once(&self.operator)
            .chain(&self.others)
            .cloned()
            .collect()
    }

    /// Certificate of the authority behind every site, PEM file.
    pub(super) fn ca_file(&self) -> &Path {
        &self.authority.file
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) async fn snapshot(&self) -> anyhow::Result<Arc<Snapshot>> {
        Ok(self.service.snapshot().await?)
    }

    /// Writes an invite for the node of `lep`.
    pub(super) async fn invite(&self, lep: &Lep, out: PathBuf) -> anyhow::Result<()> {
        let order = InviteOrder {
            node: lep.slug.clone(),
            lep: lep.code.clone(),
            out,
            days: 7,
            by: self.operator.name.clone(),
            secret: Secret::typed(&self.operator.secret),
        };
        let now = self.service.now();
        app::invite(
            &self.service.store,
            &self.config,
            &order,
            now,
            &mut app::system_entropy(),
        )
        .await?;
        Ok(())
    }

    /// The operator compared the fingerprint and approves.
    pub(super) async fn approve(&self, lep: &Lep, fingerprint: Digest) -> anyhow::Result<()> {
        let secret = Secret::typed(&self.operator.secret);
        let by = (self.operator.name.as_str(), &secret);
        let blocks = fingerprint.in_blocks();
        app::approve(
            &self.service.announcer(),
            &lep.slug,
            &blocks,
            by,
            self.service.now(),
        )
        .await?;
        Ok(())
    }

    /// Freezes all figures, as the server does by its schedule each month.
    pub(super) async fn freeze(&self) -> anyhow::Result<()> {
        app::freeze(&self.service.announcer(), self.service.now()).await?;
        Ok(())
    }

    /// The operator asks every LEP.
    pub(super) async fn ask(&self) -> anyhow::Result<()> {
        let act = Act {
            by: &self.operator.name,
            at: self.service.now(),
        };
        let draft = questionnaire::draft()?;
        questionnaires::issue(&self.service.announcer(), &draft, None, act).await?;
        Ok(())
    }

    /// How the questionnaire stands.
    pub(super) async fn asked(&self) -> anyhow::Result<Progress> {
        let name = questionnaire::draft()?.name;
        let standing = questionnaires::standing(&self.service.store, &name).await?;
        Ok(standing.context("it was issued before")?.progress()?)
    }

    /// How many statements the areas published.
    pub(super) async fn statements(&self) -> anyhow::Result<u64> {
        let tally = self.service.store.tally().await?;
        Ok(tally.iter().map(|tally| tally.count).sum())
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.serving.await??;
        Ok(())
    }
}

/// A private certificate authority for this run. Certificates are checked against the machine's own clock, not against
/// the demonstration's.
pub(super) struct Authority {
    ca: PrivateCa,
    dir: PathBuf,
    /// Its certificate, PEM.
    file: PathBuf,
    from: Timestamp,
    until: Timestamp,
}

impl Authority {
    #[expect(
        clippy::disallowed_methods,
        reason = "browsers compare certificates with the real time"
    )]
    fn make(dir: &Path) -> anyhow::Result<Self> {
        let now = Timestamp::now();
        let (from, until) = (now - 24.hours(), now + (24 * 30).hours());
        let ca = PrivateCa::generate(from, until)?;
        let dir = dir.join("certificates");
        std::fs::create_dir_all(&dir)?;
        let file = dir.join("ca.pem");
        std::fs::write(&file, ca.certificate_pem())?;
        Ok(Self {
            ca,
            dir,
            file,
            from,
            until,
        })
    }

    /// Certificate chain and key of a site, as files.
    pub(super) fn issue(&self, site: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
        let issued = self
            .ca
            .issue(&["localhost", "127.0.0.1"], self.from, self.until)?;
        let file = |ending: &str| self.dir.join(format!("{site}.{ending}"));
        let (chain, key) = (file("crt"), file("key"));
        std::fs::write(&chain, &issued.certificate_pem)?;
        std::fs::write(&key, &issued.key_pem)?;
        Ok((chain, key))
    }
}
