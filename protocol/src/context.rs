//! What others published about England's areas: employers' need of digital skills, further education, employment, basic digital skills.
//!
//! Sources, licences and what was done to them: `protocol/data/context/README.md`. Figures are kept as they were published; only shares
//! are computed, from two figures of one source. What is not published stays a [`Symbol`] and is never nought.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::geography::{Geography, rows};
use crate::ids::Gss;

/// `id,topic,title,unit,share_of,note`, one line per measure.
pub const MEASURES_CSV: &str = include_str!("../data/context/measures.csv");
/// `id,title,publisher,licence`, one line per source.
pub const SOURCES_CSV: &str = include_str!("../data/context/sources.csv");
/// `measure,source,year,code,value,symbol`, one line per figure.
pub const FIGURES_CSV: &str = include_str!("../data/context/figures.csv");
/// `source,code,was`, one line per LEP whose figures are about another area than today's.
pub const CHANGED_CSV: &str = include_str!("../data/context/changed.csv");

/// `code,name`, one line per name that a code of a LEP had before.
pub const FORMER_LEPS_CSV: &str = include_str!("../data/context/former_leps.csv");

/// GSS code of England.
pub const ENGLAND: &str = "E92000001";
/// GSS code of the United Kingdom, beside which figures stand that have none of England.
pub const UNITED_KINGDOM: &str = "K02000001";

/// What a measure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What employers need.
    Demand,
    /// What is taught.
    Provision,
    /// Who lives there.
    People,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Stable name, `[a-z0-9-]+`.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// For people.
    pub title: String,
    /// What is counted, in the plural; `percent` is a share already.
    pub unit: String,
    /// The measure of which it is a part.
    pub share_of: Option<String>,
    /// What a reader has to know of it.
    pub note: String,
}

/// How areas of different size are compared by a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// By a share, in percent.
    Share,
    /// By how many there are for each 10,000 residents.
    Residents,
    /// Not at all: it is their size.
    Size,
}

impl Measure {
    /// How areas of different size are compared by it.
    #[must_use]
    pub fn compared(&self) -> Compared {
        if self.unit == "percent" || self.share_of.is_some() {
            Compared::Share
        } else if self.topic == Topic::Provision {
            Compared::Residents
        } else {
            Compared::Size
        }
    }

    /// The number that areas are compared by, for people: `48.0%`, `24.1 per 10,000 residents`, `34,707,000`.
    #[must_use]
    pub fn number_in_words(&self, number: f64) -> String {
        match self.compared() {
            Compared::Share if self.unit == "percent" => format!("{number:.0}%"),
            Compared::Share => format!("{number:.1}%"),
            Compared::Residents => format!("{number:.1} per 10,000 residents"),
            Compared::Size => grouped(number.round().max(0.0) as u64),
        }
    }
}

/// `34,707,000`.
fn grouped(number: u64) -> String {
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

/// Who published it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Stable name.
    pub id: String,
    /// Title of the publication.
    pub title: String,
    /// Publisher.
    pub publisher: String,
    /// Licence, in words.
    pub licence: String,
}

/// Why there is no value, by the symbols of the Department for Education's explore education statistics (its guidance on open data, symbols).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// `z`.
    NotApplicable,
    /// `x`.
    Unavailable,
    /// `c`.
    Suppressed,
    /// `low`: more than none, less than what is published.
    Low,
    /// `u`: of low reliability.
    Unreliable,
}

impl Symbol {
    /// Every symbol.
    pub const ALL: [Self; 5] = [
        Self::NotApplicable,
        Self::Unavailable,
        Self::Suppressed,
        Self::Low,
        Self::Unreliable,
    ];

    /// As it stands in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "z",
            Self::Unavailable => "x",
            Self::Suppressed => "c",
            Self::Low => "low",
            Self::Unreliable => "u",
        }
    }

    /// The symbol that stands so in files.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|symbol| symbol.as_str() == text)
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Unavailable => "not published",
            Self::Suppressed => "too few to publish",
            Self::Low => "a few",
            Self::Unreliable => "too few to say",
        }
    }
}

/// The names that a code of a LEP has or had, today's first: a code may have stood for two areas, one after the other. Empty: it is none.
#[must_use]
pub fn lep_names(code: &Gss) -> Vec<String> {
    let live = Geography::embedded().lep(code).map(|lep| lep.name.clone());
    let former = rows(FORMER_LEPS_CSV).filter_map(|row| match row.as_slice() {
        [other, name] if other == code.as_str() => Some(name.clone()),
        _ => None,
    });
    live.into_iter().chain(former).collect()
}

/// A figure as it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure<'a> {
    /// The figure in the measure's unit, or why there is none.
    pub value: Result<u64, Symbol>,
    /// Who published it.
    pub source: &'a Source,
    /// What its area was then, where that is not today's.
    pub was: Option<&'a str>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Source {}

/// A year that a figure is of: a calendar year (`2019`) or an academic year (`201920`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Year(u32);

impl Year {
    /// The year of this text: four digits, or six where the last two follow the two before.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let year: u32 = text.parse().ok().filter(|_| digits)?;
        let is_academic = text.len() == 6 && (year / 100 + 1) % 100 == year % 100;
        (is_academic || text.len() == 4).then_some(Self(year))
    }

    /// Whether it runs from August to July.
    #[must_use]
    pub fn is_academic(self) -> bool {
        self.0 > 9999
    }

    /// The calendar year in which it begins.
    #[must_use]
    pub fn begins(self) -> u32 {
        if self.is_academic() {
            self.0 / 100
        } else {
            self.0
        }
    }

    /// For people: `2019`, `2019/20`.
    #[must_use]
    pub fn in_words(self) -> String {
        if self.is_academic() {
            format!("{}/{:02}", self.0 / 100, self.0 % 100)
        } else {
            self.0.to_string()
        }
    }
}

/// As it stands in files: `2019`, `201920`.
impl std::fmt::Display for Year {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A figure with the number of its source.
type Held = (Result<u64, Symbol>, usize);

/// Everything that is embedded.
#[derive(Debug)]
pub struct Context {
    measures: Vec<Measure>,
    sources: Vec<Source>,
    /// By number of the measure, code and year.
    figures: BTreeMap<(usize, Gss, Year), Held>,
    /// By number of the source and code.
    changed: BTreeMap<(usize, Gss), String>,
}

impl Context {
    /// The figures that are embedded in this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static ALL: OnceLock<Context> = OnceLock::new();
        ALL.get_or_init(|| {
            Self::read(MEASURES_CSV, SOURCES_CSV, FIGURES_CSV, CHANGED_CSV)
                .expect("the embedded tables are read by a test of this module")
        })
    }

    fn read(measures: &str, sources: &str, figures: &str, changed: &str) -> Result<Self, String> {
        let wrong = |file: &str, row: &[String]| format!("{file}: {row:?}");
        let mut all = Self {
            measures: Vec::new(),
            sources: Vec::new(),
            figures: BTreeMap::new(),
            changed: BTreeMap::new(),
        };
        for row in rows(measures) {
            let read = measure(&row).ok_or_else(|| wrong("measures.csv", &row))?;
            let of = read.share_of.as_deref();
            if of.is_some_and(|of| !measures.contains(&format!("\n{of},"))) {
                return Err(wrong("measures.csv", &row));
            }
            all.measures.push(read);
        }
        for row in rows(sources) {
            let [id, title, publisher, licence] = row.as_slice() else {
                return Err(wrong("sources.csv", &row));
            };
            all.sources.push(Source {
                id: id.clone(),
                title: title.clone(),
                publisher: publisher.clone(),
                licence: licence.clone(),
            });
        }
        for row in rows(figures) {
            let (key, held) = all
                .figure_of(&row)
                .ok_or_else(|| wrong("figures.csv", &row))?;
            if all.figures.insert(key, held).is_some() {
                return Err(format!("figures.csv has it twice: {row:?}"));
            }
        }
        for row in rows(changed) {
            let read = match row.as_slice() {
                [source, code, was] => (all.place_of(source)).zip(code.parse().ok()).zip(Some(was)),
                _ => None,
            };
            let ((source, code), was) = read.ok_or_else(|| wrong("changed.csv", &row))?;
            all.changed.insert((source, code), was.clone());
        }
        Ok(all)
    }

    fn place_of(&self, source: &str) -> Option<usize> {
        self.sources.iter().position(|s| s.id == source)
    }

    fn figure_of(&self, row: &[String]) -> Option<((usize, Gss, Year), Held)> {
        let [measure, source, year, code, value, symbol] = row else {
            return None;
        };
        let value = match (value.as_str(), symbol.as_str()) {
            ("", symbol) => Err(Symbol::named(symbol)?),
            (value, "") => Ok(value.parse().ok()?),
            _ => return None,
        };
        let measure = self.measures.iter().position(|m| m.id == *measure)?;
        let key = (measure, code.parse().ok()?, Year::read(year)?);
        Some((key, (value, self.place_of(source)?)))
    }

    /// Every measure, in the order in which people read them.
    #[must_use]
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// Every source.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The measure of this name.
    #[must_use]
    pub fn measure(&self, id: &str) -> Option<&Measure> {
        self.measures.iter().find(|m| m.id == id)
    }

    /// The years of which a measure has figures, earliest first.
    #[must_use]
    pub fn years(&self, measure: &Measure) -> Vec<Year> {
        let of = self.measures.iter().position(|m| m.id == measure.id);
        let keys = self.figures.keys().filter(|(m, ..)| Some(*m) == of);
        let years: BTreeSet<Year> = keys.map(|(.., year)| *year).collect();
        years.into_iter().collect()
    }

    /// What was published of an area; `None`: the source does not speak of it.
    #[must_use]
    pub fn figure(&self, measure: &Measure, code: &Gss, year: Year) -> Option<Figure<'_>> {
        let at = self.measures.iter().position(|m| m.id == measure.id)?;
        let (value, source) = self.figures.get(&(at, code.clone(), year))?;
        Some(Figure {
            value: *value,
            source: &self.sources[*source],
            was: self
                .changed
                .get(&(*source, code.clone()))
                .map(String::as_str),
        })
    }

    /// What share of its whole it is, from 0 to 100: of a measure in percent the figure itself. `None`: it is no part of anything, or one
    /// of the two figures is not published.
    #[must_use]
    pub fn percent(&self, measure: &Measure, code: &Gss, year: Year) -> Option<f64> {
        let value = |of: &Measure| self.figure(of, code, year)?.value.ok();
        let part = value(measure)? as f64;
        if measure.unit == "percent" {
            return Some(part);
        }
        let whole = value(self.measure(measure.share_of.as_deref()?)?)?;
        (whole > 0).then(|| 100.0 * part / whole as f64)
    }

    /// How many there are for each 10,000 residents aged 16 to 64 in the year in which it begins (Annual Population Survey): what areas of
    /// different size are compared by. `None` of what is a share, a number of residents or of workplaces, and where a figure is not published.
    #[must_use]
    pub fn per_10_000_residents(&self, measure: &Measure, code: &Gss, year: Year) -> Option<f64> {
        if measure.topic != Topic::Provision {
            return None;
        }
        let residents = self.measure("population-16-64")?;
        let of = Year(year.begins());
        let residents = self.figure(residents, code, of)?.value.ok()?;
        let value = self.figure(measure, code, year)?.value.ok()?;
        (residents > 0).then(|| 10_000.0 * value as f64 / residents as f64)
    }

    /// The number that areas of different size are compared by, see [`Measure::compared`].
    #[must_use]
    pub fn number(&self, measure: &Measure, code: &Gss, year: Year) -> Option<f64> {
        match measure.compared() {
            Compared::Share => self.percent(measure, code, year),
            Compared::Residents => self.per_10_000_residents(measure, code, year),
            Compared::Size => {
                let figure = self.figure(measure, code, year)?;
                figure.value.ok().map(|value| value as f64)
            }
        }
    }

    /// A figure for people: with the number that areas are compared by, or why there is none.
    #[must_use]
    pub fn in_words(&self, measure: &Measure, code: &Gss, year: Year) -> String {
        let Some(figure) = self.figure(measure, code, year) else {
            return Symbol::Unavailable.in_words().to_owned();
        };
        let whole = match figure.value {
            Ok(value) => grouped(value),
            Err(symbol) => return symbol.in_words().to_owned(),
        };
        let number = self.number(measure, code, year);
        match (measure.compared(), number) {
            (Compared::Share, Some(share)) if measure.unit != "percent" => {
                format!("{} ({whole})", measure.number_in_words(share))
            }
            (Compared::Share, Some(share)) => measure.number_in_words(share),
            (Compared::Residents, Some(each)) => {
                format!("{whole} ({})", measure.number_in_words(each))
            }
            _ => whole,
        }
    }

    /// What a figure of an area is set beside: England, or the United Kingdom where nothing is published of England.
    #[must_use]
    pub fn beside(&self, measure: &Measure, year: Year) -> Option<(&'static str, Gss)> {
        let places = [("England", ENGLAND), ("United Kingdom", UNITED_KINGDOM)];
        places.into_iter().find_map(|(name, code)| {
            let code: Gss = code.parse().ok()?;
            self.figure(measure, &code, year)?;
            Some((name, code))
        })
    }
}

fn measure(row: &[String]) -> Option<Measure> {
    let [id, topic, title, unit, share_of, note] = row else {
        return None;
    };
    Some(Measure {
        id: id.clone(),
        topic: match topic.as_str() {
            "demand" => Topic::Demand,
            "provision" => Topic::Provision,
            "people" => Topic::People,
            _ => return None,
        },
        title: title.clone(),
        unit: unit.clone(),
        share_of: (!share_of.is_empty()).then(|| share_of.clone()),
        note: note.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Gss {
        text.parse().unwrap()
    }

    fn value(measure: &str, area: &str, year: &str) -> Option<Result<u64, Symbol>> {
        let all = Context::embedded();
        let year = Year::read(year).unwrap();
        let figure = all.figure(all.measure(measure).unwrap(), &code(area), year);
        figure.map(|figure| figure.value)
    }

    #[test]
    fn the_embedded_tables_are_whole_and_of_areas_that_are_there() {
        let all = Context::read(MEASURES_CSV, SOURCES_CSV, FIGURES_CSV, CHANGED_CSV).unwrap();
        assert_eq!(all.measures.len(), 11);
        let map = Geography::embedded();
        for (measure, code, year) in all.figures.keys() {
            let is_known = map.lep(code).is_some()
                || map.district(code).is_some_and(|d| &d.code == code)
                || crate::geography::region_name(code).is_some()
                || [ENGLAND, UNITED_KINGDOM].contains(&code.as_str());
            assert!(is_known, "{code} {year} {}", all.measures[*measure].id);
        }
        for (source, code) in all.changed.keys() {
            assert!(map.lep(code).is_some(), "{code}");
            assert!(all.sources[*source].id.starts_with("ess-"));
        }
        for measure in &all.measures {
            let years = all.years(measure);
            let last = *years.last().unwrap();
            assert!(all.beside(measure, last).is_some(), "{}", measure.id);
            let leps = map
                .leps()
                .filter(|lep| all.figure(measure, &lep.code, last).is_some())
                .count();
            assert_eq!(leps, if measure.unit == "percent" { 0 } else { 38 });
        }
    }

    /// Read in the publications themselves.
    #[test]
    fn published_values_stand_as_they_were_published() {
        for (measure, area, year, published) in [
            ("need-new-skills", ENGLAND, "2017", 897_254),
            ("need-digital", ENGLAND, "2017", 430_398),
            ("need-basic-it", ENGLAND, "2017", 275_313),
            ("need-advanced-it", ENGLAND, "2017", 272_432),
            ("need-digital", "E37000046", "2017", 17_920),
            ("need-digital", "E37000038", "2017", 5_022),
            ("need-new-skills", ENGLAND, "2019", 974_026),
            ("need-basic-it", "E37000001", "2019", 3_447),
            ("need-advanced-it", "E37000061", "2019", 4_592),
            ("fe-ict-enrolments", ENGLAND, "202122", 84_190),
            ("fe-ict-achievements", ENGLAND, "202122", 62_410),
            ("fe-ict-enrolments", "E37000015", "202122", 5_410),
            ("fe-achievements", ENGLAND, "201617", 1_578_910),
            ("population-16-64", ENGLAND, "2018", 34_707_000),
            ("employed-16-64", ENGLAND, "2018", 26_142_200),
            ("full-basic-digital", "E12000001", "2018", 71),
            ("zero-basic-digital", UNITED_KINGDOM, "2018", 8),
        ] {
            assert_eq!(
                value(measure, area, year),
                Some(Ok(published)),
                "{measure} {area} {year}"
            );
        }
    }

    /// LEPs that share a district count it twice, and figures are rounded: their sum lies close above England's.
    #[test]
    fn the_sums_of_leps_are_as_far_from_england_as_their_sources_explain() {
        let all = Context::embedded();
        let sum = |measure: &str, year: &str| {
            let leps = Geography::embedded().leps();
            let of = leps.filter_map(|lep| value(measure, lep.code.as_str(), year)?.ok());
            of.sum::<u64>()
        };
        for (measure, year, together) in [
            ("need-new-skills", "2017", 968_156),
            ("need-digital", "2017", 462_014),
            ("need-new-skills", "2019", 1_061_659),
            ("fe-ict-enrolments", "202122", 84_760),
            ("fe-ict-achievements", "202122", 62_870),
            ("fe-achievements", "201617", 1_574_750),
        ] {
            assert_eq!(sum(measure, year), together, "{measure} {year}");
        }
        // Districts and regions of a year in which no district is missing, to the rounding of each.
        let of = |is: fn(&Gss) -> bool| {
            let at = all.measures.iter().position(|m| m.id == "fe-achievements");
            let all = all.figures.iter();
            all.filter(|((m, code, year), _)| {
                Some(*m) == at && year.to_string() == "202021" && is(code)
            })
            .filter_map(|(_, (value, _))| value.ok())
            .sum::<u64>()
        };
        let england = value("fe-achievements", ENGLAND, "202021")
            .unwrap()
            .unwrap();
        let regions = of(|code| code.as_str().starts_with("E12"));
        let districts = of(|code| ["E06", "E07", "E08", "E09"].contains(&&code.as_str()[..3]));
        for together in [regions, districts] {
            assert!(together.abs_diff(england) * 100 < england, "{together}");
        }
    }

    /// Regions are the sums of their districts: together England, to the rounding of each.
    #[test]
    fn residents_of_regions_add_up_to_england() {
        for measure in ["population-16-64", "employed-16-64"] {
            let regions = (1..=9).map(|n| format!("E1200000{n}"));
            let regions = regions.filter_map(|code| value(measure, &code, "2021")?.ok());
            let together: u64 = regions.sum();
            let england = value(measure, ENGLAND, "2021").unwrap().unwrap();
            assert!(together.abs_diff(england) * 1000 < england, "{together}");
        }
    }

    #[test]
    fn shares_are_computed_and_what_is_not_published_has_none() {
        let all = Context::embedded();
        let percent = |measure: &str, area: &str, year: &str| {
            let year = Year::read(year).unwrap();
            all.percent(all.measure(measure).unwrap(), &code(area), year)
        };
        // Published as 48 %, 31 %, 30 % and 75.3 %.
        for (measure, year, published) in [
            ("need-digital", "2017", 48.0),
            ("need-basic-it", "2017", 31.0),
            ("need-advanced-it", "2017", 30.0),
            ("need-advanced-it", "2019", 29.0),
            ("employed-16-64", "2018", 75.3),
        ] {
            let computed = percent(measure, ENGLAND, year).unwrap();
            assert!(
                (computed - published).abs() < 0.5,
                "{measure} {year} {computed}"
            );
        }
        assert_eq!(
            percent("full-basic-digital", "E12000007", "2018"),
            Some(82.0)
        );
        assert_eq!(percent("fe-ict-enrolments", ENGLAND, "202122"), None);
        let year = Year::read("202122").unwrap();
        let enrolments = all.measure("fe-ict-enrolments").unwrap();
        let each = |measure| all.per_10_000_residents(measure, &code(ENGLAND), year);
        assert!((each(enrolments).unwrap() - 24.0).abs() < 0.5);
        assert_eq!(each(all.measure("need-digital").unwrap()), None);
        let said = |measure: &str, area: &str, year: &str| {
            let year = Year::read(year).unwrap();
            all.in_words(all.measure(measure).unwrap(), &code(area), year)
        };
        for (measure, area, year, words) in [
            ("need-digital", ENGLAND, "2017", "48.0% (430,398)"),
            ("need-digital", "E12000001", "2017", "not published"),
            ("full-basic-digital", "E12000001", "2018", "71%"),
            (
                "fe-ict-enrolments",
                ENGLAND,
                "202122",
                "84,190 (24.1 per 10,000 residents)",
            ),
            ("population-16-64", ENGLAND, "2018", "34,707,000"),
            ("employed-16-64", "E06000053", "2021", "not published"),
        ] {
            assert_eq!(said(measure, area, year), words);
        }
        // Isles of Scilly: no figure, which is not none.
        assert_eq!(
            value("employed-16-64", "E06000053", "2021"),
            Some(Err(Symbol::Unavailable))
        );
        assert_eq!(percent("employed-16-64", "E06000053", "2021"), None);
        assert_eq!(value("need-digital", "E37000001", "2019"), None);
    }

    #[test]
    fn a_figure_of_an_area_that_changed_says_so() {
        let all = Context::embedded();
        let year = Year::read("2019").unwrap();
        let measure = all.measure("need-basic-it").unwrap();
        let was = |area| all.figure(measure, &code(area), year).unwrap().was;
        assert_eq!(
            was("E37000061"),
            Some("North East Lincolnshire and North Lincolnshire as well")
        );
        assert_eq!(was("E37000001"), None);
    }

    #[test]
    fn a_code_of_a_lep_has_the_names_that_it_had() {
        assert_eq!(lep_names(&code("E37000035")), ["Thames Valley Berkshire"]);
        assert_eq!(
            lep_names(&code("E37000043")),
            ["Buckinghamshire", "Buckinghamshire Thames Valley"]
        );
        assert_eq!(lep_names(&code("E37000049")), ["Humber"]);
        assert!(lep_names(&code("E37000099")).is_empty());
    }

    #[test]
    fn what_is_no_table_of_ours_is_refused() {
        let read = |figures: &str| {
            let figures = format!("measure,source,year,code,value,symbol\n{figures}");
            Context::read(MEASURES_CSV, SOURCES_CSV, &figures, "source,code,was\n")
        };
        assert!(read("need-digital,ess-2017,2017,E37000001,5,").is_ok());
        for bad in [
            "need-digital,ess-2017,2017,E37000001,5,c",
            "need-digital,ess-2017,2017,E37000001,,",
            "need-digital,ess-2017,2017,E37000001,,q",
            "need-digital,ess-2017,2017,E37000001,-5,",
            "need-digital,ess-2017,201719,E37000001,5,",
            "need-digital,ess-2017,2017,Black Country,5,",
            "need-digital,nobody,2017,E37000001,5,",
            "need-magic,ess-2017,2017,E37000001,5,",
            "need-digital,ess-2017,2017,E37000001,5,\nneed-digital,ess-2017,2017,E37000001,6,",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(Year::read("201920").unwrap().in_words(), "2019/20");
        assert_eq!(Year::read("199900").unwrap().in_words(), "1999/00");
        assert_eq!(Year::read("201920").unwrap().begins(), 2019);
        assert_eq!(Year::read("201921"), None);
        assert_eq!(Year::read("+019"), None);
    }
}
