//! What each page of the node is asked for, by whom, and the SQL of the rows that it stands on.

use super::world::PROVIDER;

/// Who asks, and whether the records are made up: every page.
const SESSION: &[&str] = &[
    "SELECT p.name, p.role, p.organisation_id, o.name, p.secret_hash, p.added_at, p.locked_at, p.totp_key IS NOT NULL
     FROM people AS p LEFT JOIN organisations AS o ON o.id = p.organisation_id WHERE p.name = 'Ama'",
    "SELECT at FROM sample",
];
const PEOPLE: &str = "SELECT p.name, p.role, p.organisation_id, o.name, p.secret_hash, p.added_at, p.locked_at, p.totp_key IS NOT NULL
    FROM people AS p LEFT JOIN organisations AS o ON o.id = p.organisation_id";
const PLACE: &str = "SELECT * FROM enrolment";
const PROGRAMMES: &str = "SELECT * FROM programmes ORDER BY code";
const COHORTS: &str = "SELECT * FROM cohorts ORDER BY code";
const ORGANISATIONS: &str = "SELECT * FROM organisations ORDER BY name";
const SPEND: &str = "SELECT * FROM spend ORDER BY month DESC, id";
const PROVIDERS: &str = "SELECT name, was FROM providers ORDER BY name COLLATE NOCASE";
/// What rows refer to one another by.
const KNOWN: &[&str] = &[
    "SELECT id, name, kind FROM organisations ORDER BY name",
    "SELECT id, code, name FROM programmes ORDER BY code",
    "SELECT id, code, title FROM cohorts ORDER BY code",
];
/// What is held, in one pass: enrolments by tier and stage, and learners from the index that has them in order.
const HELD: &[&str] = &[
    "SELECT p.tier, e.stage, count(*), sum(in_area = 0), sum(in_area = 1 AND enters = 0) FROM enrolments AS e JOIN programmes AS p ON p.id = e.programme
     WHERE e.removed_day IS NULL GROUP BY p.tier, e.stage",
    "SELECT count(*) FROM (SELECT DISTINCT learner FROM enrolments)",
];
/// What the rules of quality look at, without what they make of it.
const MEASURED: &str = "SELECT provider, programme, count(*), sum(stage = 0), sum(stage BETWEEN 1 AND 3), max(max(start_day, coalesce(end_day, start_day))),
    sum(start_day >= 20058), sum(district IS NOT NULL), sum(age != 9), sum(sex != 9), sum(ethnicity != 9), sum(disability != 9), sum(prior != 9),
    sum(destination_6m IS NOT NULL), sum(confidence IS NOT NULL), sum(everyday IS NOT NULL), sum(planned_end_day < 20058), sum(end_day = start_day),
    sum(end_day - start_day > 730) FROM enrolments WHERE removed_day IS NULL GROUP BY provider, programme";
const QUESTIONS: &str = "SELECT * FROM quality_questions ORDER BY answer IS NOT NULL, id DESC";
/// Of which learners everything has ended long ago.
const DUE: &str = "SELECT learner, count(*), max(stage), max(counted | withheld), max(max(start_day, coalesce(end_day, planned_end_day, start_day))) AS last
    FROM enrolments GROUP BY learner HAVING last <= 19372";
const RELEASES: &[&str] = &[
    "SELECT period, digest, author, prepared_at, approver, approved_at FROM releases ORDER BY period",
    "SELECT period, standard, epoch, month, payload, seq FROM release_statements ORDER BY period, standard",
];
const STATEMENTS: &str = "SELECT seq, kind, period, pae, queued_at, attempts, next_attempt_at, problem, log_index, acknowledged_at FROM outbox ORDER BY seq DESC";
const PRACTICE: &str = "SELECT id, entry, author, written_at, approver, approved_at, seq FROM practice ORDER BY id DESC";
const IMPORTS: &str = "SELECT * FROM imports ORDER BY id DESC LIMIT 5";
/// A month with the ledger up to it.
const LEDGER: &[&str] = &[
    "SELECT standard, first, last, after FROM ledger_standards ORDER BY standard",
    "SELECT month, period FROM ledger_months ORDER BY month",
    "SELECT month, table_id, entries, published, digest FROM ledger_cells ORDER BY standard, epoch, month",
];
const FIGURES: &str = "SELECT r.period, r.standard, o.pae, json_extract(CAST(r.payload AS TEXT), '$.pledges') FROM release_statements AS r JOIN outbox AS o ON o.seq = r.seq";
const SETTINGS: &str = "SELECT rule, severity, threshold, version FROM quality_rules";
const AUDIT: &str =
    "SELECT id, at, who, action, detail, hash FROM audit ORDER BY id DESC LIMIT 101";
const WORDS: &[&str] = &[
    "SELECT DISTINCT who FROM audit",
    "SELECT DISTINCT action FROM audit",
];
const CHAIN: &str = "SELECT id, at, who, action, detail, hash FROM audit ORDER BY id";
const ILR: &[&str] = &[
    "SELECT ukprn, provider FROM ilr_providers",
    "SELECT * FROM ilr_aims",
    "SELECT field, code, value, meaning FROM ilr_codes",
];
const OWN: &str = "SELECT count(*), sum(stage IN (1, 2, 3)), sum(stage IN (1, 2)), sum(stage = 1), count(destination_6m), sum(destination_6m < 3), count(confidence),
    sum(confidence = 2), count(everyday), sum(everyday = 2) FROM enrolments WHERE provider = 'Sandwell College'";
/// Whom a provider has to ask.
/// Whom to ask by the end of the week: a question 3, 6 and 12 months after the last day.
const ASK: &str = "WITH due AS (
    SELECT id, unixepoch(end_day * 86400, 'unixepoch', '+3 months', 'floor') / 86400 AS on_day FROM enrolments
    WHERE removed_day IS NULL AND provider = 'Sandwell College' AND destination_3m IS NULL AND stage IN (1, 2, 3) AND end_day BETWEEN 19822 AND 20020
    UNION ALL SELECT id, unixepoch(end_day * 86400, 'unixepoch', '+6 months', 'floor') / 86400 FROM enrolments
    WHERE removed_day IS NULL AND provider = 'Sandwell College' AND destination_6m IS NULL AND stage IN (1, 2, 3) AND end_day BETWEEN 19730 AND 19930
    UNION ALL SELECT id, unixepoch(end_day * 86400, 'unixepoch', '+12 months', 'floor') / 86400 FROM enrolments
    WHERE removed_day IS NULL AND provider = 'Sandwell College' AND destination_12m IS NULL AND stage IN (1, 2, 3) AND end_day BETWEEN 19549 AND 19746)
    SELECT count(*), count(DISTINCT id) FROM due WHERE on_day BETWEEN 19918 AND 20108";
const OWN_COHORTS: &str = "SELECT * FROM cohorts WHERE organisation = (SELECT id FROM organisations WHERE name = 'Sandwell College') ORDER BY code";

/// A page: its name in the report, who asks for which address, and the SQL.
pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) who: &'static str,
    pub(super) path: String,
    pub(super) sql: Vec<String>,
    /// Whether it stands on all enrolments, or on all of a provider: what is measured after a write too.
    pub(super) counts: bool,
}

/// Rows that addresses name.
pub(super) struct Ids {
    /// A cohort of the provider.
    pub(super) cohort: i64,
    /// An enrolment in it.
    pub(super) learner: i64,
    /// Their addresses.
    pub(super) cohort_at: String,
    pub(super) learner_at: String,
}

fn route(name: &'static str, who: &'static str, path: impl Into<String>, sql: &[&[&str]]) -> Route {
    let sql = [SESSION].into_iter().chain(sql.iter().copied());
    let sql: Vec<String> = sql
        .flatten()
        .map(|sql| sql.replace("'Ama'", &format!("'{who}'")))
        .collect();
    let counts = [HELD[0], MEASURED, DUE, OWN, ASK];
    Route {
        name,
        who,
        path: path.into(),
        counts: sql.iter().any(|sql| counts.contains(&sql.as_str())),
        sql,
    }
}

/// Every page that stands on rows.
pub(super) fn routes(ids: &Ids) -> Vec<Route> {
    let mut all = staff();
    all.extend(model());
    all.extend(provider(ids));
    all.extend(programs());
    all
}

fn staff() -> Vec<Route> {
    let release = [RELEASES, LEDGER, &[STATEMENTS, PEOPLE]];
    vec![
        route(
            "home",
            "Ama",
            "/",
            &[
                HELD,
                RELEASES,
                &[PEOPLE, PLACE, PROGRAMMES, STATEMENTS, PRACTICE, IMPORTS],
            ],
        ),
        route("releases", "Ama", "/releases", &[RELEASES, &[STATEMENTS]]),
        route("release", "Ben", "/releases/2024-12", &release),
        route(
            "release.report",
            "Ben",
            "/releases/2024-12/report",
            &release,
        ),
        route(
            "release.payload",
            "Ben",
            "/releases/2024-12/payload.json",
            &[RELEASES, LEDGER],
        ),
        route(
            "release.csv",
            "Ben",
            "/releases/2024-12/figures.csv",
            &[RELEASES, LEDGER],
        ),
        route(
            "release.table",
            "Ben",
            "/releases/2024-12/tables/starts.area-by-tier",
            &[RELEASES, LEDGER],
        ),
        route("privacy", "Vic", "/privacy", &[RELEASES, LEDGER]),
        route("practice", "Ama", "/practice", &[&[PRACTICE]]),
        route(
            "practice.entry",
            "Ama",
            "/practice/1",
            &[&[PRACTICE, FIGURES, STATEMENTS]],
        ),
        route("practice.new", "Ama", "/practice/new", &[&[FIGURES]]),
        route("statements", "Ama", "/statements", &[&[STATEMENTS]]),
        route("statement", "Ama", "/statements/1", &[&[STATEMENTS]]),
        route(
            "quality",
            "Ama",
            "/quality",
            &[&[MEASURED, SETTINGS, QUESTIONS]],
        ),
        route(
            "quality.provider",
            "Ama",
            format!("/quality/provider?name={}", PROVIDER.replace(' ', "+")),
            &[&[MEASURED, SETTINGS, QUESTIONS]],
        ),
        route("quality.rules", "Ama", "/quality/rules", &[&[SETTINGS]]),
        route(
            "import",
            "Ama",
            "/import",
            &[&["SELECT 1 FROM postcodes LIMIT 1", PROGRAMMES]],
        ),
        route(
            "import.mappings",
            "Ama",
            "/import/mappings",
            &[&["SELECT * FROM mappings"]],
        ),
        route("import.ilr", "Ama", "/import/ilr", &[ILR]),
        route("retention", "Ada", "/retention", &[&[DUE]]),
        route("audit", "Ada", "/audit", &[WORDS, &[AUDIT]]),
        route("audit.check", "Ada", "/audit/check", &[&[CHAIN]]),
        route("audit.csv", "Ada", "/audit/export.csv", &[&[CHAIN]]),
        route("people", "Ada", "/people", &[&[PEOPLE]]),
        route(
            "account",
            "Ada",
            "/account",
            &[&["SELECT * FROM api_tokens", PEOPLE]],
        ),
    ]
}

fn model() -> Vec<Route> {
    vec![
        route("programmes", "Ama", "/programmes", &[KNOWN, &[PROGRAMMES]]),
        route(
            "programme",
            "Ama",
            "/programmes/1",
            &[KNOWN, &[PROGRAMMES, COHORTS, SPEND]],
        ),
        route(
            "programme.history",
            "Ama",
            "/programmes/1/history",
            &[
                KNOWN,
                &["SELECT * FROM history WHERE kind = 'programme' AND row = 1 ORDER BY id DESC"],
            ],
        ),
        route("cohorts", "Ama", "/cohorts", &[KNOWN, &[COHORTS]]),
        route(
            "cohort",
            "Ama",
            "/cohorts/1",
            &[
                KNOWN,
                &[
                    COHORTS,
                    SPEND,
                    "SELECT stage, count(*) FROM enrolments WHERE cohort = 1 GROUP BY stage",
                ],
            ],
        ),
        route(
            "organisations",
            "Ama",
            "/organisations",
            &[
                KNOWN,
                &[
                    ORGANISATIONS,
                    PROVIDERS,
                    "SELECT employer, programme FROM enrolments WHERE employer IS NOT NULL",
                ],
            ],
        ),
        route(
            "organisation",
            "Ama",
            "/organisations/1",
            &[KNOWN, &[ORGANISATIONS, COHORTS, PROVIDERS]],
        ),
        route("spend", "Ama", "/spend", &[KNOWN, &[SPEND]]),
    ]
}

fn provider(ids: &Ids) -> Vec<Route> {
    let cohort = ids.cohort_at.clone();
    let register = format!(
        "SELECT e.* FROM enrolments AS e WHERE e.provider = 'Sandwell College' AND e.cohort = {} ORDER BY e.start_day, e.id LIMIT 100",
        ids.cohort
    );
    let registered = format!(
        "SELECT count(*) FROM enrolments WHERE +provider = 'Sandwell College' AND cohort = {}",
        ids.cohort
    );
    let learner = format!("SELECT * FROM enrolments WHERE id = {}", ids.learner);
    vec![
        route(
            "provider",
            "Pia",
            "/provider",
            &[KNOWN, &[PROVIDERS, ASK, OWN_COHORTS, PROGRAMMES]],
        ),
        route(
            "provider.cohort",
            "Pia",
            cohort.clone(),
            &[KNOWN, &[PROVIDERS, OWN_COHORTS, &registered, &register]],
        ),
        route(
            "provider.form",
            "Pia",
            format!("{cohort}/form"),
            &[KNOWN, &[PROVIDERS, OWN_COHORTS]],
        ),
        route(
            "provider.add",
            "Pia",
            format!("{cohort}/add"),
            &[KNOWN, &[PROVIDERS, OWN_COHORTS]],
        ),
        route(
            "provider.learner",
            "Pia",
            ids.learner_at.clone(),
            &[KNOWN, &[PROVIDERS, &learner]],
        ),
        route(
            "provider.follow-up",
            "Pia",
            "/provider/follow-up",
            &[KNOWN, &[PROVIDERS, ASK]],
        ),
        route(
            "provider.results",
            "Pia",
            "/provider/results",
            &[KNOWN, &[PROVIDERS, OWN]],
        ),
        route(
            "provider.upload",
            "Pia",
            "/provider/upload",
            &[KNOWN, &[PROVIDERS, OWN_COHORTS]],
        ),
    ]
}

fn programs() -> Vec<Route> {
    vec![
        route(
            "api.status",
            "Ama",
            "/api/v1/status",
            &[&[PEOPLE, STATEMENTS, PROGRAMMES, PLACE, IMPORTS]],
        ),
        route("api.imports", "Ama", "/api/v1/imports", &[&[IMPORTS]]),
        route("api.releases", "Ama", "/api/v1/releases", &[RELEASES]),
        route(
            "api.release",
            "Ama",
            "/api/v1/releases/2024-12",
            &[RELEASES, LEDGER],
        ),
        route("api.practice", "Ama", "/api/v1/practice", &[&[PRACTICE]]),
        route(
            "api.quality",
            "Ama",
            "/api/v1/quality",
            &[&[MEASURED, SETTINGS]],
        ),
        route("api.retention", "Ama", "/api/v1/retention", &[&[DUE]]),
        route("api.audit", "Ama", "/api/v1/audit", &[&[AUDIT]]),
        route(
            "api.programmes",
            "Ama",
            "/api/v1/programmes",
            &[KNOWN, &[PROGRAMMES]],
        ),
        route(
            "api.cohorts",
            "Ama",
            "/api/v1/cohorts",
            &[KNOWN, &[COHORTS]],
        ),
        route(
            "api.organisations",
            "Ama",
            "/api/v1/organisations",
            &[KNOWN, &[ORGANISATIONS]],
        ),
        route("api.spend", "Ama", "/api/v1/spend", &[KNOWN, &[SPEND]]),
        route(
            "api.provider.cohorts",
            "Pia",
            "/api/v1/provider/cohorts",
            &[KNOWN, &[PROVIDERS, OWN_COHORTS]],
        ),
    ]
}
