//! The command line. Names are a contract: documents and tests rely on them.

mod rights;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use ldsp_protocol::ids::{Digest, Period, QuestionId};

use crate::quality::Severity;
use crate::store::people::Role;

pub use rights::{Audit, Backup, Restore, Retain, Whom};

/// One LEP's server: holds local data, publishes protected counts and practice.
#[derive(Debug, Parser)]
#[command(
    name = "ldsp-node",
    version,
    arg_required_else_help = true,
    subcommand_required = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused (the reason and the next step are on standard error), 2 usage, 130 cancelled with Ctrl-C.\nSettings: TOML file and LDSP_* environment (data_dir, listen, public_url, tls_cert, tls_key, rho_micro, schedule, banner, log, tables retention and oidc)."
)]
pub struct Cli {
    /// Settings that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file [default: ldsp-node.toml in the current directory, if there is one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "LDSP_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make this machine the node of a LEP: data directory, keys, database
    Init(Init),
    /// Which LEP this node is of, and choosing it: until something depends on it
    Lep {
        /// GSS code of the LEP, such as E37000001
        #[arg(long, value_name = "CODE")]
        set: Option<String>,
    },
    /// People who sign in to this node
    #[command(subcommand)]
    People(People),
    /// Read a file into the node
    #[command(subcommand)]
    Import(Import),
    /// Training providers by the names that files give them
    #[command(subcommand)]
    Providers(Providers),
    /// Organisations that deliver, employ, are trained or pay; never persons
    #[command(
        subcommand,
        after_help = "Columns: name, kind (provider, employer, charity, public-body, funder), ukprn, contact_role."
    )]
    Organisations(Keep),
    /// Programmes: what is taught, for whom and with whose money
    #[command(
        subcommand,
        after_help = "Columns: programme (its code), name, provider, tier, type, audience, funder, cost, capacity, start, end, as in the programme file; skills (with semicolons), mode."
    )]
    Programmes(Keep),
    /// Cohorts: one run of a programme by one provider
    #[command(
        subcommand,
        after_help = "Columns: cohort (its code), programme (code), provider (an organisation), title, start, end, places, place, employer (an organisation)."
    )]
    Cohorts(Keep),
    /// A provider's daily work: its cohorts, learners, what became of them, whom to ask
    #[command(
        subcommand,
        after_help = "Columns of `add`: learner_ref, uln, age or birth_date, postcode or district, sex, ethnicity, disability, prior_status, employer, aim, skill, mode, start, planned_end, confidence_before (1 to 10), everyday_before (0 to 5), as in the learner file; what is left out is as the cohort has it. Of `record`: stage, end, destination_3m, destination_6m, destination_12m, confidence_before, everyday_before, confidence_after, everyday_after. Of `correct`: those of `add` but for birth_date, postcode, employer and the answers; cohort (its code). Of `assure`: name, description, url, status, mode, area, place, places, starts, start, end, cost, cost_notes, minimum_age, maximum_age, eligibility, accessibility, as `provision` has them."
    )]
    Delivery(Delivery),
    /// What was spent in a month on a programme or a cohort
    #[command(
        subcommand,
        after_help = "Columns: month (YYYY-MM), programme or cohort (code), category (staff, premises, equipment, learner-support, marketing, overheads, other), amount (pounds), source (who said so)."
    )]
    Spend(Keep),
    /// Demand: what people, employers, charities and public bodies say that they need
    #[command(
        subcommand,
        after_help = "Columns: reference (made where it is empty), asks (individual, employer, charity, public-body), organisation (one of the list), tier, skill, audience, area (district or whole), number (or not published), counts (people, employers, vacancies), from, until (YYYY-MM), how (survey, vacancies, panel, workshop, application), sure (counted, estimated, guessed), by (a role or body), holds_until, note. Numbers are exact: do not share."
    )]
    Demand(Demand),
    /// Services where people learn digital skills: what there is, how fresh it is, and what open feeds give
    #[command(
        subcommand,
        after_help = "Columns: name, organisation, description, tier, skills (with semicolons), audience, mode, area (GSS code of a district), place, places, starts (runs in a year), start, end, cost (pounds), cost_notes, minimum_age, maximum_age, eligibility, accessibility, url, status (active, inactive, defunct, temporarily closed), public (yes, no), assured_date, assured_by, source, source_id (UUID)."
    )]
    Provision(Provision),
    /// Made-up records for trying the node out; nothing leaves it while they are there
    #[command(subcommand)]
    Sample(Sample),
    /// Individualised Learner Records: whose they are, what their aims are, how their codes are read
    #[command(subcommand)]
    Ilr(Ilr),
    /// What this node is and what it waits for
    Status,
    /// Take this node's place in the federation with the operator's invite
    Enrol(Enrol),
    /// Prepare, look at and approve what leaves this node
    #[command(subcommand)]
    Release(Release),
    /// What the releases have cost the people in them, what they may still cost, and what an attacker could gain at worst
    Privacy,
    /// The ledger of what was published: whether it is whole, and what to do when it is lost
    #[command(subcommand)]
    Ledger(Ledger),
    /// Practice entries: what worked or failed, and why
    #[command(subcommand)]
    Practice(Practice),
    /// National questionnaires: what is asked of this LEP, its answers by two people, and what all answers come to
    #[command(subcommand)]
    Questionnaire(Questionnaire),
    /// What is asked for and what is offered in the area, prepared and published by two people for everybody to read
    #[command(subcommand)]
    Needs(Needs),
    /// Quality of the records: what rules find at which provider, questions to providers, and how the rules are set
    #[command(subcommand)]
    Quality(Quality),
    /// What is known of demand and provision by skill and area, what is missing, and who is to bring it
    #[command(subcommand)]
    Gathering(Gathering),
    /// England's figures: what others published about this LEP, its districts, its region and England
    Figures {
        /// Only this measure; without it the newest of each, and with --json every figure
        #[arg(value_name = "MEASURE")]
        measure: Option<String>,
    },
    /// Who collects what, with the Skills Advisory Panel: the register, files for the panel and from it, what is done twice or late
    #[command(subcommand)]
    Exchange(Exchange),
    /// What this node sent: the list, taking a statement back, publishing a withdrawn month again
    #[command(subcommand)]
    Statements(Statements),
    /// Copy the whole node: its records with the ledger into a new directory, its keys into another one; the copy is checked
    Backup(Backup),
    /// Bring a backup back into an empty data directory, and erase again who was erased since
    Restore(Restore),
    /// Everything that is held about a learner, for the learner
    Access {
        /// Who it is about.
        #[command(flatten)]
        whom: Whom,
        /// Print an HTML document that stands alone, rather than plain text
        #[arg(long, conflicts_with = "json")]
        html: bool,
    },
    /// Erase everything about a learner, on the learner's request; shows what goes and asks before it does
    Erase {
        /// Who is erased.
        #[command(flatten)]
        whom: Whom,
        /// Show what would go and what that does to the next release, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask whether it is meant: for scripts, which have no terminal
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
    /// Delete the records whose period is over; with --set say for how long records are kept
    Retain(Retain),
    /// Who did what at this node: a log that is only ever added to, without learners' data
    #[command(subcommand)]
    Audit(Audit),
    /// Send what is approved and wait for the aggregator's receipts
    Publish,
    /// Check a statement, a receipt, a whole log or everything that this node published, without believing a server
    #[command(subcommand)]
    Verify(Verify),
    /// Serve the node's pages, prepare releases on schedule and send what is approved
    Serve,
}

/// `enrol`.
#[derive(Debug, Args)]
pub struct Enrol {
    /// Invite file from the national operator
    #[arg(long, value_name = "FILE")]
    pub invite: PathBuf,
    /// Who enrols, for the audit log
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
}

/// `ledger`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Check every digest and month
    Check,
    /// Ask for a second epoch after the ledger was lost; a coordinator does, and somebody else has to confirm it
    NewEpoch {
        /// Who asks
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// What was lost and why no backup can be restored; kept for auditors
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Confirm a second epoch that somebody else asked for; an approver does
    ConfirmEpoch {
        /// Who confirms
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
}

/// `release`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Release {
    /// Prepare the next month: its noise is drawn, once, and what would leave is shown; with --json the exact payload
    Prepare {
        /// Who prepares it; not needed to look at one that is prepared
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// This month rather than whatever is next
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<Period>,
        /// The first month of the published history, needed before the first release: public, and never to be taken from learners' records
        #[arg(long, value_name = "YYYY-MM")]
        first: Option<Period>,
        /// Also write the exact bytes that will be signed to this file
        #[arg(long, value_name = "FILE")]
        payload: Option<PathBuf>,
    },
    /// See what the next month would be: nothing is stored, spent or sent. Of made-up records with their figures, of real ones without
    #[command(alias = "rehearse")]
    Preview {
        /// As if the published figures began in this month; needed where nobody has chosen it yet
        #[arg(long, value_name = "YYYY-MM")]
        first: Option<Period>,
    },
    /// Approve a release that somebody else prepared; it is signed and queued
    Approve {
        /// Who approves it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `release show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
        /// The month; otherwise the one that waits
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<Period>,
    },
    /// Say no to a release, with the reason; it stays as it is and is never drawn again
    Refuse {
        /// Who refuses it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `release show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
        /// What is wrong, for the coordinator; nothing that tells of a person
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The month; otherwise the one that waits
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<Period>,
    },
    /// What will leave, or left: figures, rules, tables, and who must approve
    Show {
        /// The month; otherwise the last one
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<Period>,
        /// Also write the exact bytes that will be signed, or were, to this file
        #[arg(long, value_name = "FILE")]
        payload: Option<PathBuf>,
    },
    /// The privacy report of a release, for the data protection officer
    Report {
        /// The month
        #[arg(value_name = "MONTH")]
        period: Period,
        /// Print an HTML document that stands alone, rather than plain text
        #[arg(long, conflicts_with = "json")]
        html: bool,
    },
}

/// `organisations`, `programmes`, `cohorts`, `spend`; also of `demand`, `provision` and `exchange items`.
#[derive(Debug, Subcommand)]
pub enum Keep {
    /// All of them
    List,
    /// One, with who changed what of it
    Show {
        /// Its number, as `list` shows it
        #[arg(value_name = "NUMBER")]
        id: i64,
    },
    /// Add one
    Add(Said),
    /// Change one: columns that are not named stay as they are
    Set {
        /// Its number, as `list` shows it
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// The version that you saw: if somebody changed it since, nothing is stored
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
        /// What it says
        #[command(flatten)]
        said: Said,
    },
    /// Delete one that was added by mistake, while nothing stands on it
    Delete {
        /// Its number, as `list` shows it
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// The version that you saw: if somebody changed it since, nothing is deleted
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
    },
}

/// Whose work it is.
#[derive(Debug, Args)]
pub struct Of {
    /// The training provider, as it is named among the organisations
    #[arg(long, value_name = "NAME")]
    pub provider: String,
}

/// Which questions are due.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DueWhen {
    /// In this week, which begins on a Monday
    Week,
    /// Before it
    Late,
    /// In the four weeks after it
    Later,
}

/// `delivery`.
#[derive(Debug, Subcommand)]
pub enum Delivery {
    /// Its cohorts
    Cohorts {
        /// Whose.
        #[command(flatten)]
        of: Of,
    },
    /// Its learners, by what addresses call them
    Learners {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// Those of this cohort alone: its code
        #[arg(long, value_name = "CODE")]
        cohort: Option<String>,
    },
    /// All that is recorded of a learner
    Show {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The learner, as `learners` calls it
        #[arg(value_name = "LEARNER")]
        learner: String,
    },
    /// Add a learner to a cohort
    Add {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The cohort's code
        #[arg(long, value_name = "CODE")]
        cohort: String,
        /// A column and its text
        #[arg(value_name = "COLUMN=TEXT")]
        columns: Vec<String>,
    },
    /// Record what became of a learner: columns that are not named stay as they are
    Record {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The learner, as `learners` calls it
        #[arg(value_name = "LEARNER")]
        learner: String,
        /// The version that you saw: if somebody changed it since, nothing is stored
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
        /// A column and its text; an empty text takes back what is recorded
        #[arg(value_name = "COLUMN=TEXT")]
        columns: Vec<String>,
    },
    /// Correct what was recorded of a learner who joined: columns that are not named stay as they are
    Correct {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The learner, as `learners` calls it
        #[arg(value_name = "LEARNER")]
        learner: String,
        /// The version that you saw: if somebody changed it since, nothing is stored
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
        /// A column and its text
        #[arg(value_name = "COLUMN=TEXT")]
        columns: Vec<String>,
    },
    /// Take back a learner whom the provider added by mistake, while nothing of it was counted
    TakeBack {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The learner, as `learners` calls it
        #[arg(value_name = "LEARNER")]
        learner: String,
        /// The version that you saw: if somebody changed it since, it stays
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
    },
    /// The services that it offers, as the area lists them
    Services {
        /// Whose.
        #[command(flatten)]
        of: Of,
    },
    /// Say for the provider that a service is still right, but for these columns
    Assure {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// The service, as `services` calls it
        #[arg(value_name = "SERVICE")]
        service: String,
        /// The version that you saw: if somebody changed it since, nothing is stored
        #[arg(long, value_name = "VERSION")]
        version: Option<i64>,
        /// A column and its text
        #[arg(value_name = "COLUMN=TEXT")]
        columns: Vec<String>,
    },
    /// Whom to ask what became of them, 3, 6 and 12 months after their last day
    Due {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// Which of the questions
        #[arg(long, value_enum, default_value = "week")]
        when: DueWhen,
    },
}

/// `demand`.
#[derive(Debug, Subcommand)]
pub enum Demand {
    /// As of all that is kept.
    #[command(flatten)]
    Keep(Keep),
    /// The words by which skills are found in vacancies
    #[command(
        subcommand,
        after_help = "Columns: term, tier, skill, weight (how sure one may be by this word alone, in percent; 0: it is not looked for)."
    )]
    Words(Keep),
    /// What it adds up to today by skill and place, and which of it may be told outside (exact numbers: do not share)
    Summary,
    /// The files of which demand is held
    Imports,
    /// Take out what a file brought, but for what somebody changed since
    Remove {
        /// Number of the import, as `imports` shows it
        #[arg(value_name = "IMPORT")]
        import: i64,
    },
}

/// `provision`.
#[derive(Debug, Subcommand)]
pub enum Provision {
    #[command(flatten)]
    #[expect(missing_docs, reason = "its variants say it")]
    Keep(Keep),
    /// Pull the services of an Open Referral UK 3.0 feed; one that was ended goes on where it was
    Pull {
        /// The address that comes before /services, such as `https://directory.example/api`
        #[arg(value_name = "URL")]
        url: String,
        /// Only services that have this taxonomy term: its identifier in the feed
        #[arg(long, value_name = "TERM")]
        term: Option<String>,
    },
    /// Feeds that were pulled, and how far each pull is
    Feeds,
    /// Services that may be the same, and what was decided of them
    Doubles,
    /// Let one service stand for another that is the same
    Merge {
        /// Number of the one that is kept
        #[arg(value_name = "KEPT")]
        kept: i64,
        /// Number of the other, of which nothing is lost
        #[arg(value_name = "OTHER")]
        other: i64,
    },
    /// Let a service that was merged stand for itself again
    Part {
        /// Its number
        #[arg(value_name = "NUMBER")]
        id: i64,
    },
    /// Remember that two services look alike and are two
    Differ {
        /// Number of the one
        #[arg(value_name = "ONE")]
        one: i64,
        /// Number of the other
        #[arg(value_name = "OTHER")]
        other: i64,
        /// They may be the same after all
        #[arg(long)]
        undo: bool,
    },
}

/// What a row says.
#[derive(Debug, Args)]
pub struct Said {
    /// A column and its text; an empty text says that it is not stated
    #[arg(value_name = "COLUMN=TEXT")]
    pub columns: Vec<String>,
    /// Read columns and texts from a file with one JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// `practice`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Practice {
    /// Write a form to fill in, with an explanation of every field
    New {
        /// File to write; one that exists is not touched. Otherwise the form is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check a filled-in form: every problem at once, and where personal data stand
    Check {
        /// TOML file
        file: PathBuf,
    },
    /// Entries of this node, with numbers and digests
    List,
    /// A coordinator keeps a form as a draft (FILE), or an approver releases a draft (its number)
    Publish {
        /// TOML file, or the number of a draft
        #[arg(value_name = "FILE|NUMBER")]
        what: String,
        /// Who does it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `practice list` printed; needed to release
        #[arg(long)]
        digest: Option<Digest>,
    },
}

/// `questionnaire`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Questionnaire {
    /// What the national operators ask this LEP, with the day on which it is due; the log is asked first
    List,
    /// A questionnaire with the answers as they stand and their digest; with --json also what the node can fill in
    Show {
        /// Name of the questionnaire
        questionnaire: QuestionId,
    },
    /// A coordinator keeps answers as a draft: all that the file holds or none; other answers stay
    Answer {
        /// Name of the questionnaire
        questionnaire: QuestionId,
        /// JSON file
        file: PathBuf,
        /// Who answers
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// A coordinator hands complete answers to an approver
    HandOver {
        /// Name of the questionnaire
        questionnaire: QuestionId,
        /// Who hands them over
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// A coordinator takes answers back that wait for an approver
    TakeBack {
        /// Name of the questionnaire
        questionnaire: QuestionId,
        /// Who takes them back
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// An approver who did not write the answers releases them; they are signed and queued
    Approve {
        /// Name of the questionnaire
        questionnaire: QuestionId,
        /// Who releases them
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `questionnaire show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
    },
    /// An approver sends answers back to the coordinator, with the reason
    SendBack {
        /// Name of the questionnaire
        questionnaire: QuestionId,
        /// Who sends them back
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `questionnaire show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
        /// What to change, in one line; it stays at this node and names nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// What the answers of all LEPs come to, as the log tells it
    Results {
        /// Name of the questionnaire
        questionnaire: QuestionId,
    },
}

/// `needs`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Needs {
    /// What was prepared, refused and published, the newest first
    List,
    /// Exactly what is, or would be, published, what is kept back and why, and the digest
    Show {
        /// Number of the draft; without it the newest
        id: Option<i64>,
    },
    /// A coordinator prepares a draft; the noise of people's counts is drawn here, once for each record
    Prepare {
        /// Who prepares it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// An approver who did not prepare the draft publishes it; two statements are signed and queued
    Approve {
        /// Number of the draft
        id: i64,
        /// Who publishes it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `needs show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
    },
    /// An approver refuses a draft, with the reason
    Refuse {
        /// Number of the draft
        id: i64,
        /// Who refuses it
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// The digest that `needs show` printed
        #[arg(long, value_name = "DIGEST")]
        digest: Digest,
        /// Why, in one line; it stays at this node and names nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// `statements`. A person's secret is asked for on the terminal, or read from standard input when that is no terminal.
#[derive(Debug, Subcommand)]
pub enum Statements {
    /// Every statement, newest first, and what became of it
    List,
    /// Take a statement back: its content leaves the national log's storage and the figures; its place, digest and receipt stay
    Withdraw {
        /// Number of the statement
        #[arg(value_name = "NUMBER")]
        seq: u64,
        /// Why, in one line: public for ever, so it names nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who decides it: an approver
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// Publish a withdrawn month again, with the very figures that it had: nothing is counted or drawn
    Reissue {
        /// Number of the withdrawn statement
        #[arg(value_name = "NUMBER")]
        seq: u64,
        /// Why, in one line: public for ever, so it names nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who decides it: an approver
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
}

/// `gathering`.
#[derive(Debug, Subcommand)]
pub enum Gathering {
    /// What is known, how good it is, and who brings what is missing
    Board,
    /// Who is to bring what
    #[command(
        subcommand,
        after_help = "Columns: about (demand or provision), skill (a code of the data standard), area (GSS code or name of a district, or whole), body (never a person), due and done (YYYY-MM-DD), note."
    )]
    Tasks(Keep),
}

/// `exchange`.
#[derive(Debug, Subcommand)]
pub enum Exchange {
    /// The register of data items
    #[command(
        subcommand,
        after_help = "Columns: item (its code), title, collector (lep, panel, dfe, other), frequency (once, monthly, quarterly, termly, yearly), since and until (YYYY-MM), body (never a person), note."
    )]
    Items(Keep),
    /// Write the file of an agreed item for the panel: estimates of approved releases, in the layout of explore education statistics
    Export {
        /// Its code: enrolments or achievements
        #[arg(value_name = "ITEM")]
        item: String,
        /// Directory for ITEM.csv and ITEM.meta.csv
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Bring in a file of the panel in that layout; every defect is told in one pass
    Import {
        /// Code of the data item, as the register has it
        #[arg(value_name = "ITEM")]
        item: String,
        /// The data file
        #[arg(value_name = "DATA.csv")]
        data: PathBuf,
        /// The file about its columns
        #[arg(value_name = "META.csv")]
        meta: PathBuf,
        /// Check it and keep nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// What is collected twice, late or by nobody
    Overlap,
}

/// `quality`.
#[derive(Debug, Subcommand)]
pub enum Quality {
    /// What rules find in each provider's records, and how much is recorded (exact counts: do not share)
    Show {
        /// Only this provider
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
    /// Every rule and how it is set here
    Rules,
    /// Set a rule for this LEP
    Set {
        /// Code of the rule
        #[arg(value_name = "RULE")]
        rule: String,
        /// How much it matters here
        #[arg(long)]
        severity: RuleSeverity,
        /// From where on, in the rule's own unit [default: as it is]
        #[arg(long, value_name = "NUMBER")]
        threshold: Option<u32>,
        /// Who sets it: a coordinator
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// Every question to a provider, with its answer
    Questions,
    /// Ask a provider about what a rule found
    Ask {
        /// The provider's name
        #[arg(long, value_name = "NAME")]
        provider: String,
        /// Code of the rule
        #[arg(long, value_name = "RULE")]
        rule: String,
        /// The question: about numbers and dates, not about a person
        #[arg(long = "text", value_name = "TEXT")]
        question: String,
        /// Who asks: a coordinator
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// Write down what a provider answered
    Answer {
        /// Number of the question
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// The answer: about numbers and dates, not about a person
        #[arg(long = "text", value_name = "TEXT")]
        answer: String,
        /// Who writes it down: a coordinator
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
}

/// How much a rule matters.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RuleSeverity {
    /// It cannot be right
    Error,
    /// It is probably not right, or late
    Warning,
    /// Something is left out
    Note,
    /// Not looked for
    Off,
}

impl From<RuleSeverity> for Severity {
    fn from(severity: RuleSeverity) -> Self {
        match severity {
            RuleSeverity::Error => Self::Error,
            RuleSeverity::Warning => Self::Warning,
            RuleSeverity::Note => Self::Note,
            RuleSeverity::Off => Self::Off,
        }
    }
}

/// `verify`. Files are enough, without a node and without a network.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "What it checks and how to do the same with other people's software: docs/verify.md."
)]
pub enum Verify {
    /// Check a statement's signature and say what it is
    Statement {
        /// The statement's envelope, as at /v1/nodes/NAME/statements/NUMBER of the aggregator
        #[arg(value_name = "FILE")]
        envelope: PathBuf,
        /// The signer's public key: 64 hex digits, or name+hash+key [default: this node's or its log's, whichever signed]
        #[arg(long)]
        key: Option<String>,
    },
    /// Check that the log holds a statement, by its receipt
    Receipt {
        /// The receipt, as at /v1/nodes/NAME/statements/NUMBER/receipt of the aggregator
        #[arg(value_name = "FILE")]
        receipt: PathBuf,
        /// The statement's envelope
        #[arg(long, value_name = "FILE")]
        statement: PathBuf,
        /// The log's verifier key, name+hash+key [default: that of the log where this node is enrolled]
        #[arg(long, value_name = "KEY")]
        log: Option<String>,
    },
    /// Check a whole log: every entry, every tile, the signed root, and that it begins with what was seen before
    Log(VerifyLog),
    /// Check figures that the log signed: that the log holds them, and with --recompute that they are what the statements give, to the byte
    Finding(VerifyFinding),
    /// Check everything that this node published: signatures, chain, receipts, and that the log gives what it acknowledged
    Own(VerifyOwn),
}

/// `verify own`.
#[derive(Debug, Args)]
pub struct VerifyOwn {
    /// Check what this machine holds and do not ask the log
    #[arg(long)]
    pub offline: bool,
}

/// `verify finding`.
#[derive(Debug, Args)]
pub struct VerifyFinding {
    /// The finding's envelope, or its address: https://…/v1/nodes/aggregator/statements/NUMBER
    #[arg(value_name = "FILE|URL")]
    pub finding: String,
    /// Directory with `checkpoint`, `tile/` and, to recompute, `v1/nodes/NAME/statements/NUMBER`, or address that serves them [default: that of the finding, else where this node is enrolled]
    #[arg(long, value_name = "DIR|URL")]
    pub at: Option<String>,
    /// The log's verifier key, name+hash+key [default: that of the log where this node is enrolled]
    #[arg(long, value_name = "KEY")]
    pub log: Option<String>,
    /// Fetch the statements that the figures stand on, check every signature, count again and compare the bytes
    #[arg(long)]
    pub recompute: bool,
    /// Certificate authority of the address, where it is a private one that this node does not know
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// `verify log`.
#[derive(Debug, Args)]
pub struct VerifyLog {
    /// Directory with `checkpoint` and `tile/`, or address that serves them [default: where this node is enrolled]
    #[arg(value_name = "DIR|URL")]
    pub at: Option<String>,
    /// The log's verifier key, name+hash+key [default: that of the log where this node is enrolled]
    #[arg(long, value_name = "KEY")]
    pub log: Option<String>,
    /// A checkpoint of an earlier day, besides those in this node's receipts: the log must begin with it
    #[arg(long, value_name = "CHECKPOINT")]
    pub since: Option<PathBuf>,
    /// Fetch what every entry is of, too: it must be what its node signed, or be taken back by a withdrawal of that node
    #[arg(long)]
    pub payloads: bool,
    /// Certificate authority of the address, where it is a private one that this node does not know
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// GSS code of the LEP, such as E37000001 [default: an admin chooses it later, on a page or by `lep --set`]
    #[arg(long, value_name = "CODE")]
    pub lep: Option<String>,
}

/// `people`.
#[derive(Debug, Subcommand)]
pub enum People {
    /// Add a person; prints a secret to sign in with, once, or a link on which they choose their own
    Add {
        /// The name to sign in with
        name: String,
        /// What the person may do
        #[arg(long)]
        role: RoleArg,
        /// Of a provider: the organisation whose records it sees, by its name in files
        #[arg(long, value_name = "NAME", required_if_eq("role", "provider"))]
        organisation: Option<String>,
        /// Print a link on which the person sets their own secret, instead of a secret
        #[arg(long)]
        link: bool,
    },
    /// Give a person a link on which they set anew how they sign in; secret, second step, connected accounts, sessions and tokens end at once
    Link {
        /// The name they sign in with
        name: String,
    },
    /// Give a person another role
    Role {
        /// The name they sign in with
        name: String,
        /// What the person may do from now on
        #[arg(long)]
        role: RoleArg,
        /// Of a provider: the organisation whose records it sees, by its name in files
        #[arg(long, value_name = "NAME", required_if_eq("role", "provider"))]
        organisation: Option<String>,
    },
    /// Keep a person out: no secret, session or token of theirs opens anything
    Lock {
        /// The name they sign in with
        name: String,
    },
    /// Let a person in again who was kept out
    Unlock {
        /// The name they sign in with
        name: String,
    },
    /// Give a person a new secret, printed once; the old one and its sessions end at once
    Secret {
        /// The name they sign in with
        name: String,
    },
    /// Remove a person, who can no longer sign in; what they prepared or approved keeps their name
    Remove {
        /// The name they sign in with
        name: String,
    },
    /// List people and their roles
    List,
    /// Note which account at the sign-in service is a person: they sign in with it from now on
    Connect {
        /// The name they have here
        name: String,
        /// What the service calls them, as the page shows it that refused them: the subject, or the address where `claim` is `email`
        account: String,
    },
    /// Take that back; their sessions end at once
    Disconnect {
        /// The name they have here
        name: String,
        /// What the service calls them, as `people accounts` shows it
        account: String,
        /// At which service, where they have an account of this name at several
        #[arg(long)]
        issuer: Option<String>,
    },
    /// List the accounts at the sign-in service with which people sign in
    Accounts,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArg {
    /// Looks after people and the server; sees no learner's record
    Admin,
    /// Imports files, prepares releases and writes practice entries
    Coordinator,
    /// Approves what others prepared
    Approver,
    /// Records for one organisation and sees only that organisation's records
    Provider,
    /// Reads what was released
    Viewer,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Admin => Self::Admin,
            RoleArg::Coordinator => Self::Coordinator,
            RoleArg::Approver => Self::Approver,
            RoleArg::Provider => Self::Provider,
            RoleArg::Viewer => Self::Viewer,
        }
    }
}

/// `sample`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Sample {
    /// Bring them into an empty node
    BringIn,
    /// Remove them whole
    Remove,
}

/// `import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Programmes, one row each; import them before their learners
    Programmes(ImportFile),
    /// Services where people learn digital skills, one row each: docs/provision.md
    Services(ImportFile),
    /// Enrolments, one row each. Names, ULNs, birth dates and postcodes are not kept
    Learners(LearnerFile),
    /// Demand, one row for each need that somebody stated
    Demand(ImportFile),
    /// Vacancies, one row each: digital skills are found by a table of words; nothing else of them is kept. With --dry-run what was found is shown
    Vacancies(ImportFile),
    /// A table of the Employer Skills Survey as it was published: the standard LEP tables of 2017, or all areas of 2019
    Survey(SurveyFile),
    /// A provider's Individualised Learner Record of a year (XML). It replaces what an earlier file of the same year said; `ilr` says how it is read
    Ilr(IlrFile),
    /// The ONS Postcode Directory, which turns a postcode into a district
    Postcodes {
        /// CSV file
        file: PathBuf,
    },
    /// What the columns of a source's files stand for, remembered under a name
    #[command(subcommand)]
    Mappings(Mappings),
}

/// `import mappings`.
#[derive(Debug, Subcommand)]
pub enum Mappings {
    /// Every mapping
    List,
    /// Print a mapping as the TOML file that `set` takes
    Show {
        /// Its name; capitals do not matter
        name: String,
    },
    /// Look at a file and print a mapping to begin with: what is proposed by the columns' names, and as comments what is left to say
    Propose {
        /// CSV file or workbook (.xlsx)
        file: PathBuf,
        /// What the file holds
        #[arg(long)]
        kind: MappedKind,
        /// The sheet of a workbook, where more than one may be meant
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        /// Read the text as Windows-1252 (Western European) rather than UTF-8
        #[arg(long)]
        western: bool,
    },
    /// Remember a mapping, or change one
    Set {
        /// The source's name, such as that of the provider whose files it is for
        name: String,
        /// TOML file, as `propose` and `show` print it
        mapping: PathBuf,
    },
    /// Forget a mapping; what was imported with it stays
    Remove {
        /// Its name
        name: String,
    },
}

/// What a mapped file holds.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MappedKind {
    /// Enrolments, one row each
    Learners,
    /// Programmes, one row each
    Programmes,
    /// Services, one row each
    Services,
    /// Demand, one row for each need that somebody stated
    Demand,
    /// Vacancies, one row each
    Vacancies,
}

/// A table of the Employer Skills Survey.
#[derive(Debug, Args)]
pub struct SurveyFile {
    /// CSV file, or workbook (.xlsx)
    pub file: PathBuf,
    /// The sheet of a workbook that holds the table [default: the one with the title of the table]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Show what would be recorded and store nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A learner file and how to import it.
#[derive(Debug, Args)]
pub struct LearnerFile {
    /// As every file.
    #[command(flatten)]
    pub file: ImportFile,
    /// Take providers that no earlier file named: they are new, not old ones under another name
    #[arg(long)]
    pub new_providers: bool,
    /// What rows are that may be either: an enrolment that this file does not name agrees in provider and in aim or start
    #[arg(long, value_name = "WHAT")]
    pub doubtful: Option<DoubtfulRows>,
}

/// An ILR and how to import it.
#[derive(Debug, Args)]
pub struct IlrFile {
    /// XML file in UTF-8
    pub file: PathBuf,
    /// Check every learner and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Store the valid rows although others are refused; nothing is removed then
    #[arg(long)]
    pub valid_rows: bool,
    /// Write the report of problem rows to this CSV file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// What rows are that may be either: an enrolment of the year that this file does not name agrees in aim or start
    #[arg(long, value_name = "WHAT")]
    pub doubtful: Option<DoubtfulRows>,
}

/// `ilr`.
#[derive(Debug, Subcommand)]
pub enum Ilr {
    /// Everything that was said: providers, aims, codes
    Mappings,
    /// Say whose the files of a UKPRN are
    Provider {
        /// UK provider reference number, eight digits
        ukprn: String,
        /// The provider's name, as other files give it
        name: String,
    },
    /// Say what a learning aim is: programme, skill and mode, or that it is not digital
    Aim(AimArgs),
    /// Say how a code is read
    Code {
        /// Ethnicity, Sex, LLDDHealthProb, EmpStat, CompStatus, WithdrawReason or DPOutcome
        field: String,
        /// The code, as `ilr mappings` writes it
        code: String,
        /// Its value in the data standard
        value: String,
    },
}

/// What is said of an aim.
#[derive(Debug, Args)]
pub struct AimArgs {
    /// The aim, such as 60341234 or ZPROG001/S123, or its beginning and *
    pub aim: String,
    /// Only of this provider
    #[arg(long, value_name = "NUMBER")]
    pub ukprn: Option<String>,
    /// Only under this funding model
    #[arg(long, value_name = "NUMBER")]
    pub fund_model: Option<String>,
    /// Code of the programme, which says tier, type and audience
    #[arg(long, value_name = "CODE", required_unless_present_any = ["not_digital", "remove"])]
    pub programme: Option<String>,
    /// Skill of the data standard
    #[arg(long, value_name = "SKILL", required_unless_present_any = ["not_digital", "remove"])]
    pub skill: Option<String>,
    /// Mode of delivery
    #[arg(long, value_name = "MODE", required_unless_present_any = ["not_digital", "remove"])]
    pub mode: Option<String>,
    /// It is not digital: its learners are left out
    #[arg(long, conflicts_with_all = ["programme", "skill", "mode", "remove"])]
    pub not_digital: bool,
    /// Take back what was said
    #[arg(long, conflicts_with_all = ["programme", "skill", "mode"])]
    pub remove: bool,
}

/// What a row is that may be a new enrolment or a corrected one.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DoubtfulRows {
    /// New enrolments beside those that are held
    New,
    /// Enrolments that are held, with the aim or start corrected
    Corrected,
}

/// `providers`.
#[derive(Debug, Subcommand)]
pub enum Providers {
    /// Every provider that files have named
    List,
    /// Say that a provider has a new name, before the first file with it is imported; its learners and enrolments stay the same ones
    Rename {
        /// As files named it so far
        old: String,
        /// As files name it from now on
        new: String,
    },
}

/// A file to import and how.
#[derive(Debug, Args)]
pub struct ImportFile {
    /// CSV file in UTF-8, or workbook (.xlsx)
    pub file: PathBuf,
    /// The file has columns of its own, which this mapping explains: see `import mappings`
    #[arg(long, value_name = "NAME")]
    pub mapping: Option<String>,
    /// The sheet of a workbook, where more than one may be meant
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Check every row and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Store the valid rows although others are refused
    #[arg(long)]
    pub valid_rows: bool,
    /// Write the report of problem rows to this CSV file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}
