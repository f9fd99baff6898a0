//! Services in columns. Names are those of Open Referral UK 3.0 where it has them (`service.json`: name, description, url, status, ages,
//! assured_date).

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, NOT_STATED};

use super::demand::districts;
use super::programme::{skills, stated, taught};
use super::{Answer, Model, Question, codes, iso, number, pounds};
use crate::import::programmes::{amount, places, text, text_within};
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::kept::Known;
use crate::store::providers::folded;
use crate::store::services::{Service, Status};

const NAME: usize = 0;
const ORGANISATION: usize = 1;
const DESCRIPTION: usize = 2;
const TIER: usize = 3;
const SKILLS: usize = 4;
const AUDIENCE: usize = 5;
const MODE: usize = 6;
const AREA: usize = 7;
const PLACE: usize = 8;
const PLACES: usize = 9;
const STARTS: usize = 10;
const START: usize = 11;
const END: usize = 12;
const COST: usize = 13;
const COST_NOTES: usize = 14;
const MINIMUM_AGE: usize = 15;
const MAXIMUM_AGE: usize = 16;
const ELIGIBILITY: usize = 17;
const ACCESSIBILITY: usize = 18;
const URL: usize = 19;
const STATUS: usize = 20;
const PUBLIC: usize = 21;
const ASSURED_DATE: usize = 22;
const ASSURED_BY: usize = 23;
const SOURCE: usize = 24;
const SOURCE_ID: usize = 25;

/// The column names, which a file's are too.
pub(crate) const COLUMNS: &[&str] = &[
    "name",
    "organisation",
    "description",
    "tier",
    "skills",
    "audience",
    "mode",
    "area",
    "place",
    "places",
    "starts",
    "start",
    "end",
    "cost",
    "cost_notes",
    "minimum_age",
    "maximum_age",
    "eligibility",
    "accessibility",
    "url",
    "status",
    "public",
    "assured_date",
    "assured_by",
    "source",
    "source_id",
];

/// Longest description, in characters.
pub(crate) const DESCRIPTION_LENGTH: usize = 900;

/// Whether a text is a UUID in its usual form (RFC 9562, section 4): lower or upper case, of any version.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a text is the whole address of a page.
pub(crate) fn is_page(text: &str) -> bool {
    let is_bare = |url: &reqwest::Url| {
        ["http", "https"].contains(&url.scheme())
            && url.host_str().is_some_and(|host| host.contains('.'))
            && url.username().is_empty()
            && url.password().is_none()
            // No URI holds these as they are (RFC 3986, appendix A).
            && !url.as_str().contains(['|', '\\', '^', '`', '{', '}', '[', ']', '<', '>', '"', ' '])
    };
    reqwest::Url::parse(text).is_ok_and(|url| is_bare(&url))
}

/// A district of England, by its code, one that became it, or its name; `None` for an empty column, the whole area, or a problem.
fn area(row: &mut Row<'_>, known: &Known) -> Option<String> {
    let text = row.text(AREA);
    if text.is_empty() {
        return None;
    }
    if let Some(found) = super::demand::area(text, known) {
        return found.map(|code| code.to_string());
    }
    let map = Geography::embedded();
    let by_code = text
        .parse::<Gss>()
        .ok()
        .and_then(|code| map.district(&code));
    let wanted = folded(text);
    let mut all = map.districts();
    let found = by_code.or_else(|| all.find(|district| folded(&district.name) == wanted));
    if found.is_none() {
        row.problem(AREA, faults::SERVICE_AREA);
    }
    found.map(|district| district.code.to_string())
}

/// A number without commas between its thousands; `None` where a comma stands elsewhere, as in 1,50.
fn ungrouped(text: &str) -> Option<String> {
    let (pounds, pence) = text
        .split_once('.')
        .map_or((text, ""), |(a, _)| (a, &text[a.len()..]));
    let mut groups = pounds.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = groups.clone().all(|group| group.len() == 3);
    let is_one = !pounds.contains(',');
    (is_one || is_grouped && (1..=3).contains(&first.len()))
        .then(|| format!("{}{pence}", pounds.replace(',', "")))
}

/// Pence, also of a cost that is written as lists write it: Free, £120, 1,200.
fn cost(row: &mut Row<'_>) -> Option<i64> {
    let text = row.text(COST);
    if text.is_empty() {
        return None;
    }
    if ["free", "free of charge", "no charge", "no cost", "nil"].contains(&folded(text).as_str()) {
        return Some(0);
    }
    let found = ungrouped(text.trim_start_matches('£').trim()).and_then(|plain| amount(&plain));
    if found.is_none() {
        row.problem(COST, faults::COST);
    }
    found
}

fn age(row: &mut Row<'_>, column: usize) -> Option<i64> {
    let text = row.text(column);
    let age = values::whole(text, 0, 120);
    if age.is_none() && !text.is_empty() {
        row.problem(column, faults::AGE_FORM);
    }
    age
}

fn starts(row: &mut Row<'_>) -> Option<i64> {
    let text = row.text(STARTS);
    let runs = values::whole(text, 0, 1_000);
    if runs.is_none() && !text.is_empty() {
        row.problem(STARTS, faults::RUNS);
    }
    runs
}

fn status(row: &mut Row<'_>) -> Status {
    match row.text(STATUS) {
        "" => Status::Active,
        word => Status::named(&word.to_lowercase().replace(['-', '_'], " ")).unwrap_or_else(|| {
            row.problem(STATUS, faults::SERVICE_STATUS);
            Status::Active
        }),
    }
}

fn public(row: &mut Row<'_>) -> bool {
    match row.text(PUBLIC).to_lowercase().as_str() {
        "yes" => true,
        "" | "no" => false,
        _ => {
            row.problem(PUBLIC, faults::YES_OR_NO);
            false
        }
    }
}

/// A text that has to be of a form, where it is not empty.
fn of_form(
    row: &mut Row<'_>,
    column: usize,
    is_good: fn(&str) -> bool,
    fault: crate::import::report::Fault,
) -> String {
    let found = text(row, column, false);
    if !found.is_empty() && !is_good(&found) {
        row.problem(column, fault);
    }
    found
}

/// A UUID may look like a telephone number, and is none.
fn source_id(row: &mut Row<'_>) -> String {
    let id = row.text(SOURCE_ID).to_ascii_lowercase();
    if !id.is_empty() && !is_uuid(&id) {
        row.problem(SOURCE_ID, faults::SOURCE_ID);
    }
    id
}

impl Model for Service {
    const STAYS: &'static str =
        "Say that it has ended for good instead: its status is kept whatever a feed says.";
    const COLUMNS: &'static [&'static str] = COLUMNS;

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let name = text(row, NAME, true);
        let organisation = text(row, ORGANISATION, true);
        let organisation_id = known.organisation(&organisation).map(|(id, _)| id);
        let longest = (DESCRIPTION_LENGTH, faults::LONG_TEXT);
        let description = text_within(row, DESCRIPTION, false, longest);
        let tier = values::code(row, TIER, Dimension::Tier, NOT_STATED);
        let skills = skills(row, SKILLS);
        let audience = values::code(row, AUDIENCE, Dimension::Audience, NOT_STATED);
        let mode = values::code(row, MODE, Dimension::Mode, NOT_STATED)
            .filter(|at| !stated(Dimension::Mode, *at).is_empty());
        let (start, end) = (values::date(row, START), values::date(row, END));
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            row.problem(END, faults::END_BEFORE);
        }
        let (minimum_age, maximum_age) = (age(row, MINIMUM_AGE), age(row, MAXIMUM_AGE));
        if minimum_age.zip(maximum_age).is_some_and(|(a, b)| b < a) {
            row.problem(MAXIMUM_AGE, faults::AGES);
        }
        let it = Self {
            name,
            organisation: match organisation_id {
                Some(id) => known.organisation_name(Some(id)).to_owned(),
                None => organisation,
            },
            organisation_id,
            description,
            // One that is none was reported: the row is refused.
            tier: tier.unwrap_or_default(),
            skills,
            audience: audience.unwrap_or_default(),
            mode,
            area: area(row, known),
            place: text(row, PLACE, false),
            places: places(row, PLACES),
            starts: starts(row),
            start,
            end,
            cost_pence: cost(row),
            cost_notes: text(row, COST_NOTES, false),
            minimum_age,
            maximum_age,
            eligibility: text(row, ELIGIBILITY, false),
            accessibility: text(row, ACCESSIBILITY, false),
            url: of_form(row, URL, is_page, faults::URL),
            status: status(row),
            public: public(row),
            assured: values::date(row, ASSURED_DATE),
            assured_by: text(row, ASSURED_BY, false),
            source: text(row, SOURCE, false),
            source_id: source_id(row),
        };
        tier.and(audience).map(|_| it)
    }

    fn texts(&self, known: &Known) -> Vec<String> {
        let organisation = match self.organisation_id {
            Some(_) => known.organisation_name(self.organisation_id),
            None => &self.organisation,
        };
        vec![
            self.name.clone(),
            organisation.to_owned(),
            self.description.clone(),
            stated(Dimension::Tier, self.tier),
            taught(self.skills),
            stated(Dimension::Audience, self.audience),
            self.mode
                .map_or_else(String::new, |at| stated(Dimension::Mode, at)),
            self.area.clone().unwrap_or_default(),
            self.place.clone(),
            number(self.places),
            number(self.starts),
            iso(self.start),
            iso(self.end),
            pounds(self.cost_pence),
            self.cost_notes.clone(),
            number(self.minimum_age),
            number(self.maximum_age),
            self.eligibility.clone(),
            self.accessibility.clone(),
            self.url.clone(),
            self.status.id().to_owned(),
            if self.public { "yes" } else { "no" }.to_owned(),
            iso(self.assured),
            self.assured_by.clone(),
            self.source.clone(),
            self.source_id.clone(),
        ]
    }

    fn questions(known: &Known) -> Vec<Question> {
        let districts = districts(known).into_iter();
        let districts = districts.map(|d| (d.code.to_string(), d.name.clone()));
        let districts = Answer::One(districts.collect());
        let statuses = Status::ALL.map(|s| (s.id().to_owned(), s.in_words().to_owned()));
        let yes_no = [("yes", "Yes"), ("no", "No")];
        let yes_no = yes_no.map(|(id, title)| (id.to_owned(), title.to_owned()));
        vec![
            Question::new("name", "Name", Answer::Line)
                .hint("As people look for it, such as Learn My Way at the central library")
                .required()
                .listed(),
            Question::new("organisation", "Who offers it", Answer::Line)
                .hint("The name of an organisation, on this node\u{2019}s list or not; never of a person")
                .required()
                .listed(),
            Question::new("description", "What people learn there", Answer::Line)
                .hint("In one paragraph, without names, telephone numbers, e-mail addresses and postcodes"),
            Question::new("tier", "Tier", Answer::One(codes(Dimension::Tier)))
                .hint("Without it the service is not yet classified and fills no gap")
                .listed(),
            Question::new("skills", "Skills that it teaches", Answer::Many(codes(Dimension::Skill))),
            Question::new("audience", "For whom", Answer::One(codes(Dimension::Audience))),
            Question::new("mode", "How it is delivered", Answer::One(codes(Dimension::Mode))),
            Question::new("area", "District that it is for", districts)
                .hint("Leave it empty where it is for the whole area of the LEP")
                .listed(),
            Question::new("place", "Where", Answer::Line)
                .hint("A venue in words, without its postcode; or online"),
            Question::new("places", "Places in each run", Answer::Number).listed(),
            Question::new("starts", "Runs that begin in a year", Answer::Number)
                .hint("With the places it gives how many people it can take in a year"),
            Question::new("start", "First day", Answer::Date),
            Question::new("end", "Last day", Answer::Date)
                .hint("Leave it empty where none is known"),
            Question::new("cost", "Cost for one person, in pounds", Answer::Pounds)
                .hint("0 where it is free; leave it empty where it is not known"),
            Question::new("cost_notes", "More about the cost", Answer::Line)
                .hint("Such as free for people on Universal Credit"),
            Question::new("minimum_age", "Lowest age", Answer::Number),
            Question::new("maximum_age", "Highest age", Answer::Number),
            Question::new("eligibility", "Who may come", Answer::Line),
            Question::new("accessibility", "Accessibility", Answer::Line)
                .hint("Such as step-free, hearing loop, tutor who signs"),
            Question::new("url", "Page about it", Answer::Line),
            Question::new("status", "Whether it runs", Answer::One(statuses.to_vec()))
                .hint("Where nothing is said, it runs")
                .listed(),
            Question::new("public", "Publish it in this node\u{2019}s open feed", Answer::One(yes_no.to_vec()))
                .hint("Anybody can read the feed at /services. Where nothing is said, it is not published"),
            Question::new("assured_date", "Last checked on", Answer::Date)
                .hint("When somebody last made sure that all this is so"),
            Question::new("assured_by", "Checked by", Answer::Line)
                .hint("A role or a body, such as adult learning team; never a person"),
            Question::new("source", "Where this comes from", Answer::Line)
                .hint("A list or a directory; empty where you describe it yourself"),
            Question::new("source_id", "Its identifier there", Answer::Line)
                .hint("A UUID, where the source has one"),
        ]
    }

    fn title(&self, _: &Known) -> String {
        self.name.clone()
    }
}
