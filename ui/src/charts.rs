//! Charts, drawn on the server as SVG, with a text alternative and without inline style.
//!
//! Each chart is drawn twice, for a wide and for a narrow screen, and the style sheet shows one: text then keeps its size on
//! a phone. Colour never says anything alone: series differ by dash and marker and are named where they end, bars carry their
//! values, hexes their names. Put a chart into a [`crate::components::Figure`], which owes the reader the table and download.

mod bars;
mod hexes;
mod lines;
mod scale;
mod svg;

pub use bars::{Bar, BarChart};
pub use hexes::{HexMap, Tile};
pub use lines::{LineChart, Series};
pub use scale::{Unit, count, percent};

use svg::Svg;

use crate::html::Html;

/// What a chart says to those who cannot see it.
#[derive(Clone, Debug)]
pub struct Alternative {
    id: String,
    title: String,
    description: String,
}

impl Alternative {
    /// `id` is unique on the page; `title` names the chart; `description` says in a sentence or two what one sees.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            description: description.into(),
        }
    }
}

/// A figure with the interval it lies in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    value: f64,
    interval: Option<(f64, f64)>,
}

impl Estimate {
    /// A figure without an interval.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            interval: None,
        }
    }

    /// A figure between `low` and `high`.
    #[must_use]
    pub fn between(value: f64, low: f64, high: f64) -> Self {
        Self {
            value,
            interval: Some((low.min(high), high.max(low))),
        }
    }

    fn low(self) -> f64 {
        self.interval.map_or(self.value, |(low, _)| low)
    }

    fn high(self) -> f64 {
        self.interval.map_or(self.value, |(_, high)| high)
    }

    fn is_finite(self) -> bool {
        self.value.is_finite() && self.low().is_finite() && self.high().is_finite()
    }
}

/// The two screens a chart is drawn for. Lengths are in units of the drawing, about a CSS pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Wide,
    Narrow,
}

impl Screen {
    fn width(self) -> f64 {
        match self {
            Self::Wide => 860.0,
            Self::Narrow => 340.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// Both drawings of a chart.
fn both(alternative: &Alternative, draw: impl Fn(Screen) -> Svg) -> Html {
    Html::concat([
        Html::literal("<div class=\"ldsp-chart\">"),
        draw(Screen::Wide).finish(alternative, Screen::Wide),
        draw(Screen::Narrow).finish(alternative, Screen::Narrow),
        Html::literal("</div>"),
    ])
}

#[cfg(test)]
mod tests;
