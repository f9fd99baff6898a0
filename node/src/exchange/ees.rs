//! Tidy files in the layout of explore education statistics: a data file and a file that says what its columns are. Written here, read
//! by [`super::read`]. Rules: the Department for Education's guidance on open data for explore education statistics.

use ldsp_protocol::context::{ENGLAND, Symbol};
use ldsp_ui::csv_text;

/// The geographic levels that are kept; their names are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    National,
    Regional,
    District,
    Lep,
}

impl Level {
    pub(crate) const ALL: [Self; 4] = [Self::National, Self::Regional, Self::District, Self::Lep];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::National => "National",
            Self::Regional => "Regional",
            Self::District => "Local authority district",
            Self::Lep => "Local enterprise partnership",
        }
    }

    /// The columns of its code and name.
    pub(crate) fn columns(self) -> [&'static str; 2] {
        match self {
            Self::National => ["country_code", "country_name"],
            Self::Regional => ["region_code", "region_name"],
            Self::District => ["lad_code", "lad_name"],
            Self::Lep => [
                "local_enterprise_partnership_code",
                "local_enterprise_partnership_name",
            ],
        }
    }
}

/// Levels that exist and whose rows are not kept: nothing here is of such a place.
pub(super) const OTHER_LEVELS: &[&str] = &[
    "Local authority",
    "RSC region",
    "Parliamentary constituency",
    "Local skills improvement plan area",
    "English devolved area",
    "Opportunity area",
    "Ward",
    "MAT",
    "Sponsor",
    "School",
    "Provider",
    "Institution",
    "Planning area",
    "Police force area",
];

/// Columns that say when and where, besides those of [`Level::columns`]: they need no line in the file about columns.
pub(super) const WHERE: &[&str] = &[
    "time_period",
    "time_identifier",
    "geographic_level",
    "old_la_code",
    "new_la_code",
    "la_name",
    "rsc_region_lead_name",
    "pcon_code",
    "pcon_name",
    "lsip_code",
    "lsip_name",
    "english_devolved_area_code",
    "english_devolved_area_name",
    "opportunity_area_code",
    "opportunity_area_name",
    "ward_code",
    "ward_name",
    "trust_id",
    "trust_name",
    "sponsor_id",
    "sponsor_name",
    "school_urn",
    "school_name",
    "school_laestab",
    "provider_ukprn",
    "provider_name",
    "institution_id",
    "institution_name",
    "planning_area_code",
    "planning_area_name",
    "pfa_code",
    "pfa_name",
];

pub(super) const META: [&str; 8] = [
    "col_name",
    "col_type",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
];

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What rows differ by.
    Filter,
    /// Numbers: in which unit, with how many decimal places where that is said.
    Indicator { unit: String, places: Option<u8> },
}

/// A column that is neither when nor where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// `[a-z0-9_]+`.
    pub(crate) name: String,
    /// For people.
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

impl Column {
    pub(crate) fn filter(name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: Kind::Filter,
        }
    }

    /// Whole numbers of something.
    pub(crate) fn count(name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: Kind::Indicator {
                unit: String::new(),
                places: Some(0),
            },
        }
    }

    pub(crate) fn is_filter(&self) -> bool {
        self.kind == Kind::Filter
    }
}

/// A row: when, where, by what, how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// `time_period` and `time_identifier`.
    pub(crate) time: (String, String),
    pub(crate) level: Level,
    /// Code and name of the place.
    pub(crate) place: (String, String),
    /// A value for each filter, in the order of the columns.
    pub(crate) filters: Vec<String>,
    /// A number for each indicator as it is written, or why there is none.
    pub(crate) values: Vec<Result<String, Symbol>>,
}

/// A data file with what its columns are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// Filters, then indicators.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// The two files of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) data: String,
    pub(crate) meta: String,
}

impl Sheet {
    /// The data file and the one about its columns, UTF-8 with commas.
    pub(crate) fn files(&self) -> Files {
        Files {
            data: self.data(),
            meta: self.meta(),
        }
    }

    fn data(&self) -> String {
        let mut levels: Vec<Level> = self.rows.iter().map(|row| row.level).collect();
        levels.extend([Level::National]);
        levels.sort_unstable();
        levels.dedup();
        let mut header = vec!["time_period", "time_identifier", "geographic_level"];
        header.extend(levels.iter().flat_map(|level| level.columns()));
        header.extend(self.columns.iter().map(|column| column.name.as_str()));
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![
                row.time.0.clone(),
                row.time.1.clone(),
                row.level.as_str().to_owned(),
            ];
            for level in &levels {
                cells.extend(match level {
                    Level::National => [ENGLAND.to_owned(), "England".to_owned()],
                    level if *level == row.level => [row.place.0.clone(), row.place.1.clone()],
                    _ => [String::new(), String::new()],
                });
            }
            cells.extend(row.filters.iter().map(|text| csv_text(text).into_owned()));
            cells.extend(row.values.iter().map(|value| match value {
                Ok(number) => number.clone(),
                Err(symbol) => symbol.as_str().to_owned(),
            }));
            cells
        });
        written(&header, rows)
    }

    fn meta(&self) -> String {
        let rows = self.columns.iter().map(|column| {
            let (kind, unit, places) = match &column.kind {
                Kind::Filter => ("Filter", String::new(), String::new()),
                Kind::Indicator { unit, places } => {
                    let places = places.map_or_else(String::new, |places| places.to_string());
                    ("Indicator", unit.clone(), places)
                }
            };
            let label = csv_text(&column.label).into_owned();
            let blank = String::new();
            vec![
                column.name.clone(),
                kind.to_owned(),
                label,
                blank.clone(),
                unit,
                places,
                blank.clone(),
                blank,
            ]
        });
        written(&META, rows)
    }
}

fn written(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let all = std::iter::once(header.iter().map(|name| (*name).to_owned()).collect()).chain(rows);
    for row in all {
        writer
            .write_record(&row)
            .expect("memory takes it, and every row is as long as the header");
    }
    let bytes = writer.into_inner().expect("memory takes it");
    String::from_utf8(bytes).expect("it was made of texts")
}
