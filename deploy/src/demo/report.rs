//! What the demonstration prints.

use ldsp_aggregator::benchmark::{Finding, Measure};
use serde::Serialize;

use super::area::Area;
use super::centre::Centre;
use super::score::{Score, score};
use super::{Options, Plan};

/// All LEPs.
const WHOLE: usize = 38;

/// Why the sum of the LEPs' published figures is not the published figure for England.
pub(super) const DIFFERENCE: &str = "The input, 84,760 enrolments and 62,870 achievements, is the sum of the figures published for the \
    38 LEPs. The official figures for England are 84,190 and 62,410. The sum is above them because seven districts belonged to two \
    LEPs and count in both, and because every figure is rounded to 10 at its source.";

/// One figure three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Published by the federation: a protected estimate.
    pub federated: i64,
    /// Put in: the sum of the LEPs' published figures.
    pub input: u64,
    /// Published by the Department for Education for England.
    pub official: u64,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// LEPs that took part.
    pub nodes: usize,
    /// Statements in the log.
    pub statements: u64,
    /// Enrolments begun.
    pub enrolments: Figure,
    /// Enrolments that ended with the achievement.
    pub achievements: Figure,
    /// Why input and official figures differ, when all LEPs take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<&'static str>,
    /// Intervals printed on the LEPs' pages.
    pub intervals: Score,
    /// LEPs that answered the operators' questionnaire.
    pub answered: usize,
    /// Names of those that take part and did not.
    pub unanswered: Vec<String>,
    /// Time from start to report.
    pub seconds: f64,
}

impl Report {
    pub(super) async fn of(
        centre: &Centre,
        areas: &[Area],
        plan: &Plan,
        seconds: f64,
    ) -> anyhow::Result<Self> {
        let (snapshot, asked) = (centre.snapshot().await?, centre.asked().await?);
        let federated = |measure| {
            let raw = snapshot
                .national_measure(measure)
                .and_then(|f: &Finding| f.raw);
            raw.map_or(0, |standing| standing.estimate.round() as i64)
        };
        let official = plan.figures.official();
        let intervals = areas
            .iter()
            .filter_map(|area| {
                Some(score(
                    snapshot.lep(area.lep())?,
                    area.records(),
                    plan.last(),
                ))
            })
            .fold(Score::default(), Score::plus);
        let sum = |count: fn(&Area) -> usize| areas.iter().map(|a| count(a) as u64).sum();
        Ok(Self {
            nodes: areas.len(),
            statements: centre.statements().await?,
            enrolments: Figure {
                federated: federated(Measure::Starts),
                input: sum(|a| a.records().enrolments()),
                official: official.0,
            },
            achievements: Figure {
                federated: federated(Measure::Achievers),
                input: sum(|a| a.records().achievements()),
                official: official.1,
            },
            explanation: (areas.len() == WHOLE).then_some(DIFFERENCE),
            intervals,
            answered: asked.results.answered,
            unanswered: asked
                .leps
                .into_iter()
                .filter(|of| of.node.is_some() && of.version.is_none())
                .map(|of| of.lep.name)
                .collect(),
            seconds,
        })
    }
}

/// How to reach what is served.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Addresses {
    aggregator: Site,
    nodes: Vec<Site>,
    /// Certificate authority that all of them use, PEM file.
    ca: String,
}

#[derive(Debug, Clone, Serialize)]
struct Site {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    url: String,
    people: Vec<SignIn>,
}

/// A person who can sign in.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SignIn {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) secret: String,
}

impl Addresses {
    pub(super) fn of(centre: &Centre, areas: &[Area]) -> Self {
        let site = |node: Option<String>, url: &str, people: &[SignIn]| Site {
            node,
            url: url.to_owned(),
            people: people.to_vec(),
        };
        Self {
            aggregator: site(None, centre.url(), &centre.people()),
            nodes: areas
                .iter()
                .map(|a| site(Some(a.slug().to_string()), a.url(), a.people()))
                .collect(),
            ca: centre.ca_file().display().to_string(),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the program's answer")]
pub(super) fn print(
    options: &Options,
    report: &Report,
    addresses: &Addresses,
) -> anyhow::Result<()> {
    if options.json {
        println!("{}", serde_json::to_string(report)?);
        if !options.once {
            println!("{}", serde_json::to_string(addresses)?);
        }
    } else {
        println!("{}", words(report));
        if !options.once {
            println!("{}", directions(addresses));
        }
    }
    Ok(())
}

fn words(report: &Report) -> String {
    let line = |what: &str, figure: &Figure| {
        let off = 100.0 * (figure.federated as f64 - figure.input as f64) / figure.input as f64;
        format!(
            "{what:<14}{:>10}{:>10}{:>10}   {off:+.2} % from the input",
            thousands(figure.federated.max(0).unsigned_abs()),
            thousands(figure.input),
            thousands(figure.official),
        )
    };
    let mut text = format!(
        "{} LEPs, {} signed statements, {:.1} s\n\n{:<14}{:>10}{:>10}{:>10}\n{}\n{}\n\n",
        report.nodes,
        thousands(report.statements),
        report.seconds,
        "ICT 2021/22",
        "published",
        "input",
        "official",
        line("enrolments", &report.enrolments),
        line("achievements", &report.achievements),
    );
    if let Some(explanation) = report.explanation {
        text += explanation;
        text += "\n\n";
    }
    text += &format!(
        "Of {} figures printed with a 95 % interval on the LEPs' pages, {} intervals cover the truth: {:.1} %.\n",
        thousands(report.intervals.printed as u64),
        thousands(report.intervals.covering as u64),
        report.intervals.percent(),
    );
    text += &format!(
        "{} of {} LEPs answered the operators\u{2019} questionnaire; {} leaves it to you.\n",
        report.answered,
        report.nodes,
        report.unanswered.join(" and "),
    );
    text
}

fn directions(addresses: &Addresses) -> String {
    let people = |site: &Site| -> String {
        site.people
            .iter()
            .map(|p| format!("    {:<10} {:<12} {}\n", p.role, p.name, p.secret))
            .collect()
    };
    let mut text = format!(
        "National site   {}\n{}",
        addresses.aggregator.url,
        people(&addresses.aggregator)
    );
    for site in &addresses.nodes {
        text += &format!(
            "{:<28} {}\n{}",
            site.node.as_deref().unwrap_or_default(),
            site.url,
            people(site)
        );
    }
    text + &format!(
        "\nThe certificates are signed by a private authority made for this run: {}\n\
         A browser asks once per site whether to go on. Press Ctrl-C to stop.",
        addresses.ca
    )
}

/// `84760` as `84,760`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
