//! What others published about the LEP, its districts, its region and England: one list for page, file, command and program. Nothing of it is
//! this node's own.

use ldsp_protocol::context::{Context, Figure, Measure, Year};
use ldsp_protocol::geography::{Geography, region_name};
use ldsp_protocol::ids::Gss;

/// Which kind of area a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FigureLevel)]
pub(crate) enum Level {
    #[serde(rename = "LEP")]
    Lep,
    #[serde(rename = "region")]
    Region,
    #[serde(rename = "nation")]
    Nation,
    #[serde(rename = "district")]
    District,
}

impl Level {
    fn of(code: &Gss) -> Self {
        match &code.as_str()[..3] {
            "E37" => Self::Lep,
            "E12" => Self::Region,
            "E92" | "K02" => Self::Nation,
            _ => Self::District,
        }
    }

    /// As it stands in files.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Lep => "LEP",
            Self::Region => "region",
            Self::Nation => "nation",
            Self::District => "district",
        }
    }
}

/// Places whose figures stand beside one another.
pub(crate) struct Places {
    pub(crate) lep: (Gss, String),
    pub(crate) region: (Gss, &'static str),
}

impl Places {
    /// Of the LEP with this code.
    pub(crate) fn of(code: &Gss) -> Option<Self> {
        let lep = Geography::embedded().lep(code)?;
        let region = region_name(&lep.region)?;
        Some(Self {
            lep: (lep.code.clone(), lep.name.clone()),
            region: (lep.region.clone(), region),
        })
    }

    /// The LEP, its region, and England or what stands for it.
    pub(crate) fn beside(&self, measure: &Measure, year: Year) -> Vec<(String, Gss)> {
        let nation = Context::embedded().beside(measure, year);
        let own = [
            (self.lep.1.clone(), self.lep.0.clone()),
            (self.region.1.to_owned(), self.region.0.clone()),
        ];
        let nation = nation.map(|(name, code)| (name.to_owned(), code));
        own.into_iter().chain(nation).collect()
    }

    /// The nearest kind of area of which a measure is published in a year: the LEP, else its region, else the nation.
    pub(crate) fn nearest(&self, measure: &Measure, year: Year) -> Option<Level> {
        let all = Context::embedded();
        let is_there = |code: &Gss| {
            let figure = all.figure(measure, code, year);
            figure.is_some_and(|figure| figure.value.is_ok())
        };
        let mut places = self.beside(measure, year).into_iter();
        let found = places.find(|(_, code)| is_there(code));
        found.map(|(_, code)| Level::of(&code))
    }

    /// Every figure of the LEP, its region, England and the LEP's districts, measure by measure and year by year.
    pub(crate) fn figures(&self) -> Vec<Published> {
        let (all, map) = (Context::embedded(), Geography::embedded());
        let districts: Vec<(String, Gss)> = (map.owned_by(&self.lep.0).into_iter())
            .map(|code| {
                let name = map.district(&code).map(|d| d.name.clone());
                (name.unwrap_or_default(), code)
            })
            .collect();
        let mut found = Vec::new();
        for measure in all.measures() {
            for year in all.years(measure) {
                let places = self.beside(measure, year).into_iter();
                for (name, code) in places.chain(districts.iter().cloned()) {
                    let Some(figure) = all.figure(measure, &code, year) else {
                        continue;
                    };
                    found.push(Published {
                        measure,
                        year,
                        level: Level::of(&code),
                        name,
                        percent: all.percent(measure, &code, year),
                        figure,
                        code,
                    });
                }
            }
        }
        found
    }
}

/// A figure of an area.
pub(crate) struct Published {
    pub(crate) measure: &'static Measure,
    pub(crate) year: Year,
    pub(crate) level: Level,
    pub(crate) code: Gss,
    pub(crate) name: String,
    pub(crate) figure: Figure<'static>,
    /// Of the whole of which the measure is a part, from 0 to 100.
    pub(crate) percent: Option<f64>,
}
