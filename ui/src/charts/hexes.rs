//! A map of equal hexes: every area counts the same, whatever its acreage.

use super::svg::Svg;
use super::{Alternative, Screen, both};
use crate::html::Html;

/// One area of a [`HexMap`].
#[derive(Clone, Debug)]
pub struct Tile {
    column: u32,
    row: u32,
    short: String,
    name: String,
    value: Option<(u8, String)>,
    href: Option<String>,
}

impl Tile {
    /// An area at this place of the grid, row 0 in the north; odd rows are set half a hex to the east. `short` is at most six
    /// letters, to stand on the hex; `name` is its full name.
    pub fn new(column: u32, row: u32, short: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            column,
            row,
            short: short.into(),
            name: name.into(),
            value: None,
            href: None,
        }
    }

    /// Its class, from 0, the lowest, to 2, and its value in words. Without it the area has no data.
    #[must_use]
    pub fn value(mut self, class: u8, value: impl Into<String>) -> Self {
        self.value = Some((class.min(2), value.into()));
        self
    }

    /// Where it leads.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }
}

/// A hex for each area, in three classes, with a legend.
#[derive(Clone, Debug)]
pub struct HexMap {
    alternative: Alternative,
    tiles: Vec<Tile>,
    legend: [String; 3],
    legend_title: String,
    no_data: String,
    aside: Html,
}

/// From a hex's centre to its corners.
const RADIUS: f64 = 34.0;
const GAP: f64 = 2.0;
/// Half a hex's width over its radius: the square root of three quarters.
const HALF: f64 = 0.866_025_403_784;

impl HexMap {
    /// A map of these areas. `legend` names the three classes, lowest first: `under 1,000`, `1,000 to 2,999`, `3,000 or more`.
    pub fn new(
        alternative: Alternative,
        tiles: impl IntoIterator<Item = Tile>,
        legend_title: impl Into<String>,
        legend: [&str; 3],
    ) -> Self {
        Self {
            alternative,
            tiles: tiles.into_iter().collect(),
            legend: legend.map(str::to_owned),
            legend_title: legend_title.into(),
            no_data: "No figures".into(),
            aside: Html::default(),
        }
    }

    /// What an area without a value has: `Nothing published yet`.
    #[must_use]
    pub fn no_data(mut self, words: impl Into<String>) -> Self {
        self.no_data = words.into();
        self
    }

    /// What stands under the legend, beside the map: the areas with the most, how to read it.
    #[must_use]
    pub fn aside(mut self, aside: impl Into<Html>) -> Self {
        self.aside = aside.into();
        self
    }

    fn draw(&self, screen: Screen) -> Svg {
        let span = |f: fn(&Tile) -> u32| {
            (
                self.tiles.iter().map(f).min().unwrap_or(0),
                self.tiles.iter().map(f).max().unwrap_or(0),
            )
        };
        let ((west, east), (north, south)) = (span(|t| t.column), span(|t| t.row));
        let wide = 2.0 * HALF * RADIUS;
        let (columns, rows) = (f64::from(east - west) + 1.5, f64::from(south - north));
        let mut svg = Svg::new(columns * wide, (1.5 * rows + 2.0) * RADIUS);
        // Row by row, so that the keyboard goes from north to south and from west to east.
        let mut tiles: Vec<&Tile> = self.tiles.iter().collect();
        tiles.sort_by_key(|t| (t.row, t.column));
        for tile in tiles {
            let shift = if tile.row % 2 == 1 { 1.0 } else { 0.5 };
            let centre = (
                (f64::from(tile.column - west) + shift) * wide,
                (1.5 * f64::from(tile.row - north) + 1.0) * RADIUS,
            );
            self.hex(&mut svg, tile, centre, screen);
        }
        svg
    }

    fn hex(&self, svg: &mut Svg, tile: &Tile, (x, y): (f64, f64), screen: Screen) {
        let (class, value) = match &tile.value {
            Some((class, value)) => (format!("class-{class}"), value.as_str()),
            None => ("class-none".into(), self.no_data.as_str()),
        };
        let r = RADIUS - GAP;
        let (h, half) = (HALF * r, r / 2.0);
        let corners = [
            (x, y - r),
            (x + h, y - half),
            (x + h, y + half),
            (x, y + r),
            (x - h, y + half),
            (x - h, y - half),
        ];
        svg.group(&format!("hex {class} hex--{}", screen.class()), |svg| {
            svg.link(
                tile.href.as_deref(),
                &format!("{}: {value}", tile.name),
                |svg| {
                    svg.polygon("", &corners);
                    svg.text("", (x, y + 5.0), &tile.short);
                },
            );
        });
    }
}

#[derive(askama::Template)]
#[template(
    source = r##"<div class="ldsp-hex"><div class="ldsp-hex__legend"><p>{{ map.legend_title }}</p><ul>{% for (class, words, count) in classes %}<li class="class-{{ class }}"><svg viewBox="0 0 22 22" aria-hidden="true" focusable="false"><polygon points="11,1 19.7,6 19.7,16 11,21 2.3,16 2.3,6"/></svg><span>{{ words }} <span class="ldsp-hex__count">({{ count }} {% if *count == 1 %}area{% else %}areas{% endif %})</span></span></li>{% endfor %}</ul></div>
{{ drawing }}{% if !map.aside.is_empty() %}<div class="ldsp-hex__aside">{{ map.aside }}</div>{% endif %}</div>"##,
    ext = "html"
)]
struct WithLegend<'a> {
    map: &'a HexMap,
    classes: Vec<(&'static str, &'a str, usize)>,
    drawing: Html,
}

impl From<HexMap> for Html {
    fn from(map: HexMap) -> Self {
        let of = |class: Option<u8>| {
            map.tiles
                .iter()
                .filter(|t| t.value.as_ref().map(|v| v.0) == class)
                .count()
        };
        let [low, middle, high] = &map.legend;
        let mut classes = vec![
            ("2", high.as_str(), of(Some(2))),
            ("1", middle, of(Some(1))),
            ("0", low, of(Some(0))),
        ];
        if of(None) > 0 {
            classes.push(("none", &map.no_data, of(None)));
        }
        let drawing = both(&map.alternative, |screen| map.draw(screen));
        Html::render(&WithLegend {
            map: &map,
            classes,
            drawing,
        })
    }
}
