//! Trends.

use super::svg::Svg;
use super::{Alternative, Estimate, Screen, Unit, both, scale::Scale};
use crate::html::Html;

/// One line of a [`LineChart`].
#[derive(Clone, Debug)]
pub struct Series {
    name: String,
    points: Vec<Option<Estimate>>,
}

impl Series {
    /// A line with a point, or a gap, for each period.
    pub fn new(
        name: impl Into<String>,
        points: impl IntoIterator<Item = Option<Estimate>>,
    ) -> Self {
        let known = |point: Option<Estimate>| point.filter(|p| p.is_finite());
        Self {
            name: name.into(),
            points: points.into_iter().map(known).collect(),
        }
    }

    /// Stretches of points without a gap, with their positions.
    fn stretches(&self) -> Vec<Vec<(usize, Estimate)>> {
        let mut stretches = vec![Vec::new()];
        for (i, point) in self.points.iter().enumerate() {
            match (point, stretches.last_mut()) {
                (Some(point), Some(stretch)) => stretch.push((i, *point)),
                _ => stretches.push(Vec::new()),
            }
        }
        stretches.retain(|stretch| !stretch.is_empty());
        stretches
    }

    fn last(&self) -> Option<(usize, Estimate)> {
        self.points
            .iter()
            .enumerate()
            .rev()
            .find_map(|(i, point)| point.map(|p| (i, p)))
    }
}

/// A trend of one to four series, with ribbons for their intervals.
///
/// Counts are drawn from zero; percentages on the range that they take, and the chart then says where its axis starts.
#[derive(Clone, Debug)]
pub struct LineChart {
    alternative: Alternative,
    unit: Unit,
    periods: Vec<String>,
    series: Vec<Series>,
}

/// Where things are on one screen.
struct Plot {
    screen: Screen,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    y: Scale,
    periods: usize,
}

impl Plot {
    fn x(&self, period: usize) -> f64 {
        let inset = 18.0;
        let (from, to) = (self.left + inset, self.right - inset);
        if self.periods < 2 {
            f64::midpoint(from, to)
        } else {
            from + (to - from) * period as f64 / (self.periods - 1) as f64
        }
    }

    fn point(&self, (period, estimate): (usize, Estimate)) -> (f64, f64) {
        (self.x(period), self.y.at(estimate.value))
    }
}

impl LineChart {
    /// A chart over these periods, oldest first, as short as `Aug 2026`.
    pub fn new(
        alternative: Alternative,
        unit: Unit,
        periods: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            alternative,
            unit,
            periods: periods.into_iter().map(Into::into).collect(),
            series: Vec::new(),
        }
    }

    /// Adds a line.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    fn plot(&self, screen: Screen) -> Plot {
        let keys = if screen == Screen::Narrow {
            26.0 * self.series.len() as f64 + 6.0
        } else {
            0.0
        };
        let longest = self
            .series
            .iter()
            .map(|s| s.name.chars().count())
            .max()
            .unwrap_or(0) as f64;
        let (height, left, label) = match screen {
            Screen::Wide => (380.0, 62.0, (longest * 7.8 + 16.0).clamp(96.0, 240.0)),
            Screen::Narrow => (270.0 + keys, 52.0, 4.0),
        };
        let (top, bottom) = (26.0 + keys, height - 40.0);
        let points = || self.series.iter().flat_map(|s| s.points.iter().flatten());
        let high = points().map(|p| p.high()).fold(f64::NEG_INFINITY, f64::max);
        let low = match self.unit {
            Unit::Count => 0.0,
            Unit::Percent => points().map(|p| p.low()).fold(f64::INFINITY, f64::min),
        };
        let (low, high) = if high.is_finite() {
            (low, high)
        } else {
            (0.0, 1.0)
        };
        let ticks = if screen == Screen::Wide { 5.0 } else { 4.0 };
        let y = Scale::covering(low, high, ticks, (bottom, top));
        Plot {
            screen,
            left,
            right: screen.width() - label,
            top,
            bottom,
            y,
            periods: self.periods.len(),
        }
    }

    fn draw(&self, screen: Screen) -> Svg {
        let plot = self.plot(screen);
        let mut svg = Svg::new(screen.width(), plot.bottom + 40.0);
        self.axes(&mut svg, &plot);
        for (n, series) in self.series.iter().enumerate() {
            svg.group(&format!("series-{}", n % 6), |svg| {
                ribbon(svg, &plot, series)
            });
        }
        for (n, series) in self.series.iter().enumerate() {
            svg.group(&format!("series-{}", n % 6), |svg| {
                line(svg, &plot, series, n)
            });
        }
        match screen {
            Screen::Wide => self.end_labels(&mut svg, &plot),
            Screen::Narrow => self.keys(&mut svg),
        }
        svg
    }

    fn axes(&self, svg: &mut Svg, plot: &Plot) {
        for tick in plot.y.ticks() {
            let y = plot.y.at(tick);
            svg.line("grid", (plot.left, y), (plot.right, y));
            svg.text(
                "muted end",
                (plot.left - 10.0, y + 5.0),
                &self.unit.tick(tick),
            );
        }
        svg.line("axis", (plot.left, plot.bottom), (plot.right, plot.bottom));
        if plot.y.start() > 0.0 {
            let starts = format!("Axis starts at {}", self.unit.tick(plot.y.start()));
            svg.text(
                "muted small start",
                (
                    plot.left
                        - 10.0
                        - if plot.screen == Screen::Narrow {
                            42.0
                        } else {
                            52.0
                        },
                    plot.top - 14.0,
                ),
                &starts,
            );
        }
        // Labels are kept from touching by leaving some out, counted back from the latest.
        let widest = self
            .periods
            .iter()
            .map(|p| p.chars().count())
            .max()
            .unwrap_or(1) as f64
            * 8.0
            + 14.0;
        let room = (plot.x(1) - plot.x(0)).max(1.0);
        let every = (widest / room).ceil().max(1.0) as usize;
        for (i, period) in self.periods.iter().enumerate() {
            let x = plot.x(i);
            svg.line("axis", (x, plot.bottom), (x, plot.bottom + 5.0));
            if (self.periods.len() - 1 - i).is_multiple_of(every) {
                let half = period.chars().count() as f64 * 4.0;
                let class = if x + half > svg_edge(plot) {
                    "muted end"
                } else {
                    "muted middle"
                };
                let x = if class == "muted end" {
                    svg_edge(plot)
                } else {
                    x
                };
                svg.text(class, (x, plot.bottom + 24.0), period);
            }
        }
    }

    /// Names and latest values where the lines end, moved apart where they would touch.
    fn end_labels(&self, svg: &mut Svg, plot: &Plot) {
        const APART: f64 = 42.0;
        let mut labels: Vec<(usize, f64, f64)> = self
            .series
            .iter()
            .enumerate()
            .filter_map(|(n, series)| {
                series
                    .last()
                    .map(|(i, last)| (n, plot.y.at(last.value), plot.x(i)))
            })
            .collect();
        labels.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut floor = plot.top - APART;
        for label in &mut labels {
            label.1 = label.1.max(floor + APART);
            floor = label.1;
        }
        let mut ceiling = plot.bottom + APART - 8.0;
        for label in labels.iter_mut().rev() {
            label.1 = label.1.min(ceiling - APART);
            ceiling = label.1;
        }
        for (n, y, _) in labels {
            let series = &self.series[n];
            let Some((_, last)) = series.last() else {
                continue;
            };
            svg.group(&format!("series-{}", n % 6), |svg| {
                svg.text(
                    "label start",
                    (plot.right + 4.0, y - 2.0),
                    &self.unit.value(last.value),
                );
                svg.text("muted start", (plot.right + 4.0, y + 16.0), &series.name);
            });
        }
    }

    /// On a phone the names stand above, with the line's own dash and marker and its latest value.
    fn keys(&self, svg: &mut Svg) {
        for (n, series) in self.series.iter().enumerate() {
            let y = 14.0 + 26.0 * n as f64;
            svg.group(&format!("series-{}", n % 6), |svg| {
                svg.line(&format!("line dash-{}", n % 4), (0.0, y), (40.0, y));
                marker(svg, (20.0, y), n);
                svg.text("start", (50.0, y + 5.0), &series.name);
                if let Some((_, last)) = series.last() {
                    svg.text(
                        "label end",
                        (Screen::Narrow.width(), y + 5.0),
                        &self.unit.value(last.value),
                    );
                }
            });
        }
    }
}

fn svg_edge(plot: &Plot) -> f64 {
    match plot.screen {
        Screen::Wide => plot.right + 60.0,
        Screen::Narrow => plot.right + 4.0,
    }
}

fn ribbon(svg: &mut Svg, plot: &Plot, series: &Series) {
    for stretch in series.stretches() {
        if stretch.len() > 1 && stretch.iter().any(|(_, p)| p.interval.is_some()) {
            let upper = stretch
                .iter()
                .map(|&(i, p)| (plot.x(i), plot.y.at(p.high())));
            let lower = stretch
                .iter()
                .rev()
                .map(|&(i, p)| (plot.x(i), plot.y.at(p.low())));
            svg.polygon("ribbon", &upper.chain(lower).collect::<Vec<_>>());
        } else if let [(i, p)] = stretch[..] {
            svg.line(
                "whisker",
                (plot.x(i), plot.y.at(p.low())),
                (plot.x(i), plot.y.at(p.high())),
            );
        }
    }
}

fn line(svg: &mut Svg, plot: &Plot, series: &Series, n: usize) {
    for stretch in series.stretches() {
        let points: Vec<_> = stretch.iter().map(|&at| plot.point(at)).collect();
        svg.polyline(&format!("line dash-{}", n % 4), &points);
        for point in points {
            marker(svg, point, n);
        }
    }
}

/// A circle, square, diamond or triangle.
fn marker(svg: &mut Svg, (x, y): (f64, f64), n: usize) {
    match n % 4 {
        0 => svg.circle("marker", (x, y), 5.5),
        1 => svg.rect("marker", (x - 5.0, y - 5.0), 10.0, 10.0),
        2 => svg.polygon(
            "marker",
            &[(x, y - 7.0), (x + 7.0, y), (x, y + 7.0), (x - 7.0, y)],
        ),
        _ => svg.polygon(
            "marker",
            &[(x, y - 6.5), (x + 6.5, y + 5.0), (x - 6.5, y + 5.0)],
        ),
    }
}

impl From<LineChart> for Html {
    fn from(chart: LineChart) -> Self {
        both(&chart.alternative, |screen| chart.draw(screen))
    }
}
