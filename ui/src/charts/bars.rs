//! Comparisons.

use super::svg::Svg;
use super::{Alternative, Estimate, Screen, Unit, both, scale::Scale};
use crate::html::Html;

/// One bar of a [`BarChart`].
#[derive(Clone, Debug)]
pub struct Bar {
    label: String,
    estimate: Option<Estimate>,
    missing: String,
    href: Option<String>,
    highlighted: bool,
}

impl Bar {
    /// A bar for this figure.
    pub fn new(label: impl Into<String>, estimate: Estimate) -> Self {
        let known = Some(estimate).filter(|e| e.is_finite());
        Self {
            label: label.into(),
            estimate: known,
            missing: "not available".into(),
            href: None,
            highlighted: false,
        }
    }

    /// A row without a bar that says why: `too few learners to show`.
    pub fn missing(label: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            missing: why.into(),
            ..Self::new(label, Estimate::exact(f64::NAN))
        }
    }

    /// Where its label leads.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// Sets it off from the others, which are then drawn lighter; its label is bold.
    #[must_use]
    pub fn highlighted(mut self) -> Self {
        self.highlighted = true;
        self
    }
}

/// Horizontal bars from zero with interval whiskers, in the order given.
#[derive(Clone, Debug)]
pub struct BarChart {
    alternative: Alternative,
    unit: Unit,
    bars: Vec<Bar>,
    reference: Option<(String, f64)>,
}

/// Where things are on one screen.
struct Plot {
    screen: Screen,
    left: f64,
    top: f64,
    row: f64,
    bar: f64,
    x: Scale,
}

impl Plot {
    /// The upper edge of the bar in this row; on a phone its words stand above it.
    fn place(&self, row: usize) -> f64 {
        let y = self.top + self.row * row as f64;
        match self.screen {
            Screen::Wide => y + (self.row - self.bar) / 2.0,
            Screen::Narrow => y + self.row - self.bar - 4.0,
        }
    }
}

impl BarChart {
    /// A chart of these bars.
    pub fn new(alternative: Alternative, unit: Unit, bars: impl IntoIterator<Item = Bar>) -> Self {
        Self {
            alternative,
            unit,
            bars: bars.into_iter().collect(),
            reference: None,
        }
    }

    /// Draws a dashed line at `value`, labelled with the name and the value, to compare with.
    #[must_use]
    pub fn reference(mut self, name: impl Into<String>, value: f64) -> Self {
        self.reference = Some((name.into(), value)).filter(|(_, value)| value.is_finite());
        self
    }

    fn plot(&self, screen: Screen) -> Plot {
        let (left, right, row, bar) = match screen {
            Screen::Wide => (244.0, screen.width() - 72.0, 34.0, 20.0),
            Screen::Narrow => (0.0, screen.width() - 6.0, 50.0, 18.0),
        };
        let figures = self
            .bars
            .iter()
            .filter_map(|b| b.estimate)
            .map(Estimate::high);
        let highest = figures
            .chain(self.reference.iter().map(|r| r.1))
            .fold(0.0, f64::max);
        let highest = if self.unit == Unit::Percent {
            highest.min(100.0)
        } else {
            highest
        };
        let ticks: f64 = if screen == Screen::Wide { 6.0 } else { 4.0 };
        let ticks = match self.unit {
            // Of a few things no part is counted.
            Unit::Count => ticks.min(highest.ceil().max(1.0)),
            Unit::Percent => ticks,
        };
        let top = if self.reference.is_some() { 34.0 } else { 8.0 };
        Plot {
            screen,
            left,
            top,
            row,
            bar,
            x: Scale::covering(0.0, highest, ticks, (left, right)),
        }
    }

    fn draw(&self, screen: Screen) -> Svg {
        let plot = self.plot(screen);
        let bottom = plot.top + plot.row * self.bars.len() as f64 + 4.0;
        let mut svg = Svg::new(screen.width(), bottom + 32.0);
        for (i, tick) in plot.x.ticks().enumerate() {
            let x = plot.x.at(tick);
            svg.line("grid", (x, plot.top), (x, bottom));
            let class = match (i, screen) {
                (0, Screen::Narrow) => "muted start",
                _ if x > screen.width() - 20.0 => "muted end",
                _ => "muted middle",
            };
            svg.text(
                class,
                (
                    if class == "muted end" {
                        screen.width()
                    } else {
                        x
                    },
                    bottom + 22.0,
                ),
                &self.unit.tick(tick),
            );
        }
        let one_stands_out = self.bars.iter().any(|bar| bar.highlighted);
        let rows = || {
            self.bars
                .iter()
                .enumerate()
                .map(|(i, bar)| (bar, plot.place(i)))
        };
        for (bar, y) in rows() {
            shape(&mut svg, &plot, bar, y, one_stands_out && !bar.highlighted);
        }
        svg.line("axis", (plot.left, plot.top), (plot.left, bottom));
        self.draw_reference(&mut svg, &plot, bottom);
        // Words last, so that no line crosses them.
        for (bar, y) in rows() {
            self.words(&mut svg, &plot, bar, y);
        }
        svg
    }

    fn words(&self, svg: &mut Svg, plot: &Plot, bar: &Bar, y: f64) {
        let weight = if bar.highlighted { " strong" } else { "" };
        let (class, x, y_words, room) = match plot.screen {
            Screen::Wide => ("end", plot.left - 12.0, y + 15.0, 29),
            Screen::Narrow => ("start", 0.0, y - 7.0, 32),
        };
        let value = bar
            .estimate
            .map_or_else(|| bar.missing.clone(), |e| self.unit.value(e.value));
        svg.link(
            bar.href.as_deref(),
            &format!("{}: {value}", bar.label),
            |svg| {
                svg.text(
                    &format!("over {class}{weight}"),
                    (x, y_words),
                    &fit(&bar.label, room),
                );
            },
        );
        if bar.estimate.is_some() {
            svg.text(
                &format!("over end{weight}"),
                (plot.screen.width(), y_words),
                &value,
            );
        } else {
            svg.text(
                "muted over start",
                (plot.left + 8.0, y + 14.0),
                &bar.missing,
            );
        }
    }

    fn draw_reference(&self, svg: &mut Svg, plot: &Plot, bottom: f64) {
        let Some((name, value)) = &self.reference else {
            return;
        };
        let x = plot.x.at(*value);
        let label = format!("{name} {}", self.unit.value(*value));
        let half = label.chars().count() as f64 * 4.2;
        let (class, at) = if x + half > plot.screen.width() {
            ("strong end", plot.screen.width())
        } else if x < half {
            ("strong start", 0.0)
        } else {
            ("strong middle", x)
        };
        svg.line("reference", (x, plot.top - 8.0), (x, bottom));
        svg.text(class, (at, plot.top - 16.0), &label);
    }
}

fn shape(svg: &mut Svg, plot: &Plot, bar: &Bar, y: f64, is_quiet: bool) {
    let Some(estimate) = bar.estimate else { return };
    let class = if is_quiet { "bar bar--quiet" } else { "bar" };
    let end = plot.x.at(estimate.value);
    svg.group("series-0", |svg| {
        svg.rect(class, (plot.left, y), end - plot.left, plot.bar)
    });
    if let Some((low, high)) = estimate.interval {
        whisker(svg, (plot.x.at(low), plot.x.at(high)), y + plot.bar / 2.0);
    }
}

/// From `low` to `high` with caps, on a white ground so that it shows on the bar.
fn whisker(svg: &mut Svg, (low, high): (f64, f64), y: f64) {
    for class in ["halo", "whisker"] {
        svg.line(class, (low, y), (high, y));
        svg.line(class, (low, y - 5.0), (low, y + 5.0));
        svg.line(class, (high, y - 5.0), (high, y + 5.0));
    }
}

/// The label, cut where it would not fit; the table behind the chart has it whole.
fn fit(label: &str, room: usize) -> String {
    if label.chars().count() <= room {
        return label.to_owned();
    }
    let cut: String = label.chars().take(room - 1).collect();
    format!("{}…", cut.trim_end())
}

impl From<BarChart> for Html {
    fn from(chart: BarChart) -> Self {
        both(&chart.alternative, |screen| chart.draw(screen))
    }
}
