//! This node's own open feed: services that a coordinator marked public, in the words of Open Referral UK 3.0 (the UK profile of the Human
//! Services Data Specification: service, organization, service_at_location, service_area, cost_option, schedule, attribute; the page of
//! its API reference). What is not stated is left out. Nothing here is about a learner or names a person.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use serde::Serialize;
use utoipa::ToSchema;

use super::doubles::plain;
use crate::store::kept::Stored;
use crate::store::organisations::OrganisationKind;
use crate::store::services::Service;

/// What the taxonomies of our codes are called: this and the id of the dimension.
pub(crate) const TAXONOMY: &str = "LDSP data standard: ";
/// Where the Office for National Statistics names places: this and a GSS code.
pub(crate) const PLACES: &str = "http://statistics.data.gov.uk/id/statistical-geography/";

/// A page of services.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedPage)]
pub(crate) struct Page {
    /// Services of all pages.
    total_items: usize,
    total_pages: usize,
    /// From 1.
    page_number: usize,
    /// Services of this page.
    size: usize,
    first_page: bool,
    last_page: bool,
    empty: bool,
    contents: Vec<Listed>,
}

/// A service without what there may be several of.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedListed)]
pub(crate) struct Listed {
    /// UUID: that of its source where it has one.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false, format = "uri")]
    url: String,
    /// `active`, `inactive`, `defunct` or `temporarily closed`.
    status: &'static str,
    /// Years.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_age: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_age: Option<i64>,
    /// When somebody last checked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assured_date: Option<Date>,
    last_modified: Timestamp,
    organization: Organization,
}

/// A service with all that is known of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedFull)]
pub(crate) struct Full {
    #[serde(flatten)]
    pub(crate) listed: Listed,
    schedules: Vec<Schedule>,
    service_areas: Vec<Area>,
    service_at_locations: Vec<AtLocation>,
    cost_options: Vec<Cost>,
    attributes: Vec<Attribute>,
}

/// Who offers it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedOrganization)]
struct Organization {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    description: String,
}

/// When it runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedSchedule)]
struct Schedule {
    #[schema(format = "uuid")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Date>,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attending_type: Option<String>,
}

/// Whom it is for by where they live.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedArea)]
struct Area {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    uri: String,
}

/// Where it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedAtLocation)]
struct AtLocation {
    #[schema(format = "uuid")]
    id: String,
    location: Location,
}

/// A place in words: no address, since none is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedLocation)]
struct Location {
    #[schema(format = "uuid")]
    id: String,
    /// `physical` or `virtual`.
    location_type: &'static str,
    name: String,
    accessibility: Vec<Accessibility>,
}

/// How accessible it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedAccessibility)]
struct Accessibility {
    #[schema(format = "uuid")]
    id: String,
    description: String,
}

/// What it costs one person.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedCost)]
struct Cost {
    #[schema(format = "uuid")]
    id: String,
    /// Pounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    amount_description: String,
}

/// What it is, by a code of the data standard.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedAttribute)]
struct Attribute {
    #[schema(format = "uuid")]
    id: String,
    /// Id of the dimension.
    link_type: &'static str,
    taxonomy_term: Term,
}

/// A code of the data standard.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FeedTerm)]
struct Term {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    description: String,
    taxonomy: String,
    /// The code.
    term: String,
}

/// A UUID of version 8 that is the same whenever it is made of the same words (RFC 9562, section 5.8 and appendix B.2).
fn derived(words: &[&str]) -> String {
    let digest = Digest::of(words.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

fn code(dimension: Dimension, at: u8) -> Option<(String, String)> {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = codes
        .get(usize::from(at))
        .filter(|code| code.id != NOT_STATED)?;
    Some((code.id.clone(), code.title.clone()))
}

/// What makes services into a feed.
pub(crate) struct Feed<'a> {
    /// The node's LEP.
    pub(crate) lep: &'a Gss,
    /// What organisations of the node's list are, by number.
    pub(crate) kinds: &'a dyn Fn(i64) -> Option<OrganisationKind>,
    /// When each service was changed last, by number.
    pub(crate) changed: &'a dyn Fn(i64) -> Timestamp,
}

impl Feed<'_> {
    /// The public ones, by name.
    pub(crate) fn services(&self, all: &[Stored<Service>]) -> Vec<Full> {
        let mut taken = BTreeSet::new();
        let public = all.iter().filter(|stored| stored.it.public);
        let mut ordered: Vec<&Stored<Service>> = public.collect();
        ordered.sort_by_key(|stored| stored.id);
        let mut found: Vec<Full> = ordered
            .into_iter()
            .map(|stored| {
                // Two sources may give one identifier; the first row keeps it.
                let own = stored.it.source_id.clone();
                let id = if !own.is_empty() && taken.insert(own.clone()) {
                    own
                } else {
                    derived(&[self.lep.as_str(), "service", &stored.id.to_string()])
                };
                self.full(stored, id)
            })
            .collect();
        found.sort_by(|one, other| {
            (&one.listed.name, &one.listed.id).cmp(&(&other.listed.name, &other.listed.id))
        });
        found
    }

    fn full(&self, stored: &Stored<Service>, id: String) -> Full {
        let it = &stored.it;
        let part = |what: &str| derived(&[&id, what]);
        Full {
            schedules: schedules(it, part("schedule")),
            service_areas: vec![self.area(it, part("area"))],
            service_at_locations: locations(it, &part),
            cost_options: costs(it, part("cost")),
            attributes: attributes(it, &part),
            listed: self.listed(stored, id),
        }
    }

    fn listed(&self, stored: &Stored<Service>, id: String) -> Listed {
        let it = &stored.it;
        let description = match it.eligibility.as_str() {
            "" => it.description.clone(),
            who => format!("{} Who may come: {who}", it.description)
                .trim()
                .to_owned(),
        };
        Listed {
            id,
            name: it.name.clone(),
            description,
            // As it is sent: other letters than ASCII's are escaped.
            url: reqwest::Url::parse(&it.url).map_or_else(|_| String::new(), String::from),
            status: it.status.id(),
            minimum_age: it.minimum_age,
            maximum_age: it.maximum_age,
            assured_date: it.assured,
            last_modified: (self.changed)(stored.id),
            organization: self.organization(it),
        }
    }

    fn organization(&self, it: &Service) -> Organization {
        let kind = it.organisation_id.and_then(self.kinds);
        Organization {
            id: derived(&[self.lep.as_str(), "organization", &plain(&it.organisation)]),
            name: it.organisation.clone(),
            description: kind
                .map_or(
                    "Offers learning of digital skills",
                    OrganisationKind::in_words,
                )
                .to_owned(),
        }
    }

    /// The district, or the LEP's whole area.
    fn area(&self, it: &Service, id: String) -> Area {
        let map = Geography::embedded();
        let district = it.area.as_ref().and_then(|code| code.parse::<Gss>().ok());
        let district = district.as_ref().and_then(|code| map.district(code));
        let (code, name) = match district {
            Some(district) => (district.code.as_str(), district.name.clone()),
            None => {
                let name = map.lep(self.lep).map(|lep| lep.name.clone());
                (self.lep.as_str(), name.unwrap_or_default())
            }
        };
        Area {
            id,
            name,
            uri: format!("{PLACES}{code}"),
        }
    }
}

fn mode(it: &Service) -> Option<(String, String)> {
    it.mode.and_then(|at| code(Dimension::Mode, at))
}

fn schedules(it: &Service, id: String) -> Vec<Schedule> {
    let runs = match it.starts {
        Some(1) => "One run begins each year".to_owned(),
        Some(runs) => format!("{runs} runs begin each year"),
        None => String::new(),
    };
    let attending_type = mode(it).map(|(_, title)| title);
    if it.start.is_none() && it.end.is_none() && runs.is_empty() && attending_type.is_none() {
        return Vec::new();
    }
    vec![Schedule {
        id,
        valid_from: it.start,
        valid_to: it.end,
        description: runs,
        attending_type,
    }]
}

fn locations(it: &Service, part: &dyn Fn(&str) -> String) -> Vec<AtLocation> {
    if it.place.is_empty() && it.accessibility.is_empty() {
        return Vec::new();
    }
    let is_online = mode(it).is_some_and(|(id, _)| id == "online");
    let accessibility = (!it.accessibility.is_empty()).then(|| Accessibility {
        id: part("accessibility"),
        description: it.accessibility.clone(),
    });
    vec![AtLocation {
        id: part("service at location"),
        location: Location {
            id: part("location"),
            location_type: if is_online { "virtual" } else { "physical" },
            name: it.place.clone(),
            accessibility: accessibility.into_iter().collect(),
        },
    }]
}

fn costs(it: &Service, id: String) -> Vec<Cost> {
    if it.cost_pence.is_none() && it.cost_notes.is_empty() {
        return Vec::new();
    }
    // A billion pounds in pence is far below 2^53: the division alone rounds.
    #[expect(clippy::cast_precision_loss, reason = "at most 10^11 pence")]
    let amount = it.cost_pence.map(|pence| pence as f64 / 100.0);
    vec![Cost {
        id,
        amount,
        amount_description: it.cost_notes.clone(),
    }]
}

fn attributes(it: &Service, part: &dyn Fn(&str) -> String) -> Vec<Attribute> {
    let attribute = |link_type: &'static str, (term, name): (String, String)| Attribute {
        id: part(&format!("{link_type} {term}")),
        link_type,
        taxonomy_term: Term {
            id: term_id(link_type, &term),
            description: name.clone(),
            name,
            taxonomy: format!("{TAXONOMY}{link_type}"),
            term,
        },
    };
    let skills = (0..32_u8).filter(|at| it.skills >> at & 1 == 1);
    let skills = skills.filter_map(|at| code(Dimension::Skill, at));
    let tier = code(Dimension::Tier, it.tier).map(|code| attribute("tier", code));
    let skills = skills.map(|code| attribute("skill", code));
    let audience = code(Dimension::Audience, it.audience).map(|c| attribute("audience", c));
    let mode = mode(it).map(|code| attribute("mode", code));
    let all = tier.into_iter().chain(skills).chain(audience).chain(mode);
    all.collect()
}

/// The identifier of a code, the same at every node.
fn term_id(link_type: &str, term: &str) -> String {
    derived(&["ldsp-data-standard", link_type, term])
}

/// What is asked of the feed.
#[derive(Debug, Default)]
pub(crate) struct Search<'a> {
    /// Words that stand in name, description or organisation; none: all.
    pub(crate) words: &'a str,
    /// Identifier of a code; empty: any.
    pub(crate) term: &'a str,
}

impl Search<'_> {
    pub(crate) fn finds(&self, service: &Full) -> bool {
        let listed = &service.listed;
        let texts = [&listed.name, &listed.description, &listed.organization.name];
        let words = self.words.to_lowercase();
        let mut words = words.split_whitespace();
        let named = words.all(|word| texts.iter().any(|t| t.to_lowercase().contains(word)));
        let mut terms = service.attributes.iter().map(|a| &a.taxonomy_term.id);
        named && (self.term.is_empty() || terms.any(|id| id.eq_ignore_ascii_case(self.term)))
    }
}

impl Page {
    /// Page `number`, from 1, of these; one behind the last is empty.
    pub(crate) fn of(all: Vec<Full>, number: usize, size: usize) -> Self {
        let total_items = all.len();
        let total_pages = total_items.div_ceil(size).max(1);
        let from = number.saturating_sub(1).saturating_mul(size);
        let contents: Vec<Listed> = all
            .into_iter()
            .skip(from)
            .take(size)
            .map(|full| full.listed)
            .collect();
        Self {
            total_items,
            total_pages,
            page_number: number,
            size: contents.len(),
            first_page: number == 1,
            last_page: number >= total_pages,
            empty: contents.is_empty(),
            contents,
        }
    }
}
