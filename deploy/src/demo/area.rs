//! One LEP of the demonstration: from `init` to its last receipt, then its pages.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use ldsp_node::app::cli::{Command, Import, ImportFile, Init, LearnerFile, People, RoleArg};
use ldsp_node::app::config::Config;
use ldsp_node::app::output::Output;
use ldsp_node::app::{self, Context};
use ldsp_node::enrol::{Checked, enrol};
use ldsp_node::home::Node;
use ldsp_node::practice;
use ldsp_node::release::{Approval, Request, approve, prepare};
use ldsp_node::submit::{StepOutcome, Submitter};
use ldsp_node::transport::Https;
use ldsp_protocol::geography::Lep;
use ldsp_protocol::ids::{Gss, NodeSlug};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::centre::Centre;
use super::report::SignIn;
use super::{BANNER, Plan, RECORDS_KEY, delivery, listener, needs, provision, questionnaire};
use crate::records::{self, LepRecords};

pub(super) const COORDINATOR: &str = "Ama";
const ADMIN: &str = "Ida";
const VIEWER: &str = "Vik";
pub(super) const PROVIDER: &str = "Pat";
pub(super) const APPROVER: &str = "Ben";

/// A node that published everything and serves its pages.
pub(super) struct Area {
    lep: &'static Lep,
    records: LepRecords,
    url: String,
    people: Vec<SignIn>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), app::output::Refusal>>,
}

impl Area {
    pub(super) async fn open(
        place: &Path,
        lep: &'static Lep,
        plan: &Plan,
        centre: &Centre,
    ) -> anyhow::Result<Self> {
        let listener = listener(0)?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let dir = place.join("nodes").join(lep.slug.as_str());
        let context = Context {
            config: Config {
                data_dir: dir.clone(),
                public_url: Some(url.clone()),
                tls: Some(centre.authority().issue(lep.slug.as_str())?),
                banner: Some(BANNER.to_owned()),
                ..Config::default()
            },
            clock: plan.clock.clone(),
            phones: plan.phones.clone(),
            entropy: app::system_entropy(),
            who: "demonstration".to_owned(),
        };
        ask(
            Command::Init(Init {
                lep: Some(lep.code.to_string()),
            }),
            &context,
        )
        .await?;
        let records = records::expand(plan.figures, lep.code.as_str(), RECORDS_KEY, &plan.periods)?;
        let mut people = vec![
            add(COORDINATOR, RoleArg::Coordinator, None, &context).await?,
            add(APPROVER, RoleArg::Approver, None, &context).await?,
            add(ADMIN, RoleArg::Admin, None, &context).await?,
            add(VIEWER, RoleArg::Viewer, None, &context).await?,
        ];
        import(&records, &dir, &context).await?;
        let node = Node::open(&dir).await?;
        if plan.is_first(lep) {
            delivery::describe(&node, &records, plan, &context).await?;
        }
        // Of a provider that the files named.
        people.push(add(PROVIDER, RoleArg::Provider, records.a_provider(), &context).await?);
        needs::record(lep, plan, &context).await?;
        provision::describe(&node, &records, &context).await?;
        enrol_with(&node, lep, &dir, centre, &context).await?;
        publish(&node, lep, plan, &context).await?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            app::serve::run(node, &context, listener, async {
                // A dropped sender ends the server too.
                let _ended = stopped.await;
            })
            .await
        });
        Ok(Self {
            lep,
            records,
            url,
            people,
            stop,
            serving,
        })
    }

    pub(super) fn slug(&self) -> &NodeSlug {
        &self.lep.slug
    }

    pub(super) fn lep(&self) -> &Gss {
        &self.lep.code
    }

    pub(super) fn records(&self) -> &LepRecords {
        &self.records
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn people(&self) -> &[SignIn] {
        &self.people
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.serving.await?.map_err(|refusal| anyhow!("{refusal}"))
    }
}

/// A command of `ldsp-node`, without the terminal.
pub(super) async fn ask(command: Command, context: &Context) -> anyhow::Result<Output> {
    app::run(command, context)
        .await
        .map_err(|refusal| match &refusal.output {
            Some(report) => anyhow!("{refusal}\n{}", report.text),
            None => anyhow!("{refusal}"),
        })
}

async fn add(
    name: &str,
    role: RoleArg,
    organisation: Option<&str>,
    context: &Context,
) -> anyhow::Result<SignIn> {
    let added = ask(
        Command::People(People::Add {
            name: name.to_owned(),
            role,
            organisation: organisation.map(str::to_owned),
            link: false,
        }),
        context,
    )
    .await?;
    let text = |field: &str| {
        added.json[field]
            .as_str()
            .map(str::to_owned)
            .context("people add says it")
    };
    Ok(SignIn {
        name: text("name")?,
        role: text("role")?,
        secret: text("secret")?,
    })
}

/// Writes the files that a provider would send and imports them, programmes first.
async fn import(records: &LepRecords, dir: &Path, context: &Context) -> anyhow::Result<()> {
    let file = |name: &str| -> anyhow::Result<(PathBuf, BufWriter<File>)> {
        let path = dir.join(name);
        Ok((path.clone(), BufWriter::new(File::create(path)?)))
    };
    let (programmes, out) = file("programmes.csv")?;
    records.write_programmes_csv(out)?;
    let (learners, out) = file("learners.csv")?;
    records.write_learners_csv(out)?;
    let whole = |file: &PathBuf| ImportFile {
        file: file.clone(),
        dry_run: false,
        valid_rows: false,
        report: None,
        mapping: None,
        sheet: None,
    };
    ask(
        Command::Import(Import::Programmes(whole(&programmes))),
        context,
    )
    .await?;
    let learners = LearnerFile {
        file: whole(&learners),
        new_providers: false,
        doubtful: None,
    };
    let file = learners.file.file.clone();
    ask(Command::Import(Import::Learners(learners)), context).await?;
    // The node holds what it needs; the files name people, were they real.
    std::fs::remove_file(programmes)?;
    std::fs::remove_file(file)?;
    Ok(())
}

async fn enrol_with(
    node: &Node,
    lep: &Lep,
    dir: &Path,
    centre: &Centre,
    context: &Context,
) -> anyhow::Result<()> {
    let invite = dir.join("invite.json");
    centre.invite(lep, invite.clone()).await?;
    let now = (context.clock)();
    let checked = Checked::read(&std::fs::read(&invite)?, now)?;
    let transport = Https::new(checked.url(), checked.ca_pem())?;
    let mut rng = (context.entropy)();
    let enrolled = enrol(
        &node.store,
        &transport,
        &node.signing,
        &checked,
        COORDINATOR,
        now,
        &mut *rng,
    )
    .await?;
    std::fs::remove_file(invite)?;
    centre.approve(lep, enrolled.fingerprint).await
}

/// Prepares, approves and sends every month, then the LEP's practice entries, its needs and its answers to the questionnaire.
async fn publish(node: &Node, lep: &Lep, plan: &Plan, context: &Context) -> anyhow::Result<()> {
    let now = (context.clock)();
    let first = plan.periods.first().copied();
    for period in &plan.periods {
        let request = Request {
            first,
            ..Request::default()
        };
        let prepared = prepare(&node.store, request, COORDINATOR, now, &context.entropy).await?;
        ensure!(
            prepared.release.period == *period,
            "{period} was expected to be next"
        );
        let approval = Approval {
            person: APPROVER,
            period: Some(*period),
            digest: prepared.release.digest,
        };
        approve(&node.store, &node.signing, &approval, now).await?;
    }
    share_practice(node, context).await?;
    needs::publish(node, context).await?;
    let place = node
        .store
        .enrolment()
        .await?
        .context("this node enrolled before")?;
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    questionnaire::answer(node, &transport, (lep, plan), context).await?;
    let submitter = Submitter::new(node.store.clone(), transport, node.signing.clone());
    let mut rng = (context.entropy)();
    match submitter.drain(now, &mut *rng).await?.1 {
        StepOutcome::Drained => Ok(()),
        other => Err(anyhow!("the outbox did not drain: {other:?}")),
    }
}

async fn share_practice(node: &Node, context: &Context) -> anyhow::Result<()> {
    let now = (context.clock)();
    let today = now.to_zoned(ldsp_node::schedule::london()).date();
    let lep = node.lep()?;
    let figures = node.store.own_figures(&lep).await?;
    let newest = figures
        .releases()
        .last()
        .context("a release was approved before")?;
    for practice in records::practice::entries(today)
        .into_iter()
        .filter(|p| p.publisher == lep)
    {
        let entry = practice.citing(newest.statement);
        let id = node.store.add_practice(&entry, COORDINATOR, now).await?;
        let stored = node
            .store
            .practice_entry(id)
            .await?
            .context("the entry was stored before")?;
        practice::release(&node.store, &node.signing, id, APPROVER, stored.digest, now).await?;
    }
    Ok(())
}
