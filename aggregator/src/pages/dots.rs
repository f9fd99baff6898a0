//! Many areas beside the nation: a dot with its interval for each, in a given order, and a dashed
//! line for the nation. Not a ranking: who stands higher follows from the order alone.

use askama::Template;
use ldsp_ui::Html;

/// One row of the chart.
pub(super) enum Row {
    /// A heading over the rows that follow.
    Heading(String),
    /// An area: name, address, and (figure, low, high), or why there is none.
    Area {
        name: String,
        href: String,
        figure: Result<(f64, f64, f64), &'static str>,
        said: String,
    },
}

/// What is drawn.
pub(super) struct Dots<'a> {
    pub(super) id: &'a str,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) rows: Vec<Row>,
    /// Label and place of the line to compare with.
    pub(super) reference: Option<(String, f64)>,
    /// Writes a value of the axis.
    pub(super) tick: fn(f64) -> String,
}

/// Lengths of one of the two drawings: the style sheet shows the one that fits the screen.
struct Screen {
    class: &'static str,
    width: f64,
    left: f64,
    right: f64,
    row: f64,
    /// The name stands above its dot rather than beside it.
    stacked: bool,
}

fn one(v: f64) -> String {
    format!("{v:.1}")
}

impl Screen {
    /// Where the parts of a row that begins at `y` stand; what it shows is left empty.
    fn mark(&self, y: f64) -> Mark<'static> {
        let (middle, label_class, label) = if self.stacked {
            (y + 32.0, "start", (0.0, y + 18.0))
        } else {
            let middle = y + self.row / 2.0;
            (middle, "end", (self.left - 14.0, middle + 5.0))
        };
        Mark {
            name: "",
            href: "",
            said: "",
            label_class,
            label_x: one(label.0),
            label_y: one(label.1),
            y: one(middle),
            cap: (one(middle - 4.0), one(middle + 4.0)),
            dot: None,
            missing: "",
            missing_y: one(middle + 5.0),
            left: one(self.left + 4.0),
        }
    }

    /// The line to compare with at `x`, its label kept within the drawing.
    fn reference(&self, label: &str, x: f64) -> (String, String, &'static str, String) {
        let half = label.chars().count() as f64 * 4.3;
        let (class, label_x) = if x + half > self.width {
            ("strong end", self.width)
        } else if x < half {
            ("strong start", 0.0)
        } else {
            ("strong middle", x)
        };
        (label.to_owned(), one(x), class, one(label_x))
    }
}

const WIDE: Screen = Screen {
    class: "wide",
    width: 860.0,
    left: 392.0,
    right: 840.0,
    row: 24.0,
    stacked: false,
};
const NARROW: Screen = Screen {
    class: "narrow",
    width: 340.0,
    left: 8.0,
    right: 328.0,
    row: 44.0,
    stacked: true,
};
const TOP: f64 = 34.0;
const HEADING: f64 = 30.0;

#[derive(Template)]
#[template(path = "dots.html")]
struct Drawing<'a> {
    chart: &'a Dots<'a>,
    class: &'static str,
    width: f64,
    height: f64,
    bottom: f64,
    ticks: Vec<(String, String)>,
    reference: Option<(String, String, &'static str, String)>,
    headings: Vec<(String, String)>,
    areas: Vec<Mark<'a>>,
}

struct Mark<'a> {
    name: &'a str,
    href: &'a str,
    said: &'a str,
    label_class: &'static str,
    label_x: String,
    label_y: String,
    y: String,
    cap: (String, String),
    dot: Option<(String, String, String)>,
    missing: &'a str,
    missing_y: String,
    left: String,
}

/// Ends and step of an axis that covers the values.
fn axis(rows: &[Row], reference: Option<f64>) -> (f64, f64, f64) {
    let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
    let mut take = |v: f64| ends = (ends.0.min(v), ends.1.max(v));
    for row in rows {
        if let Row::Area {
            figure: Ok((_, low, high)),
            ..
        } = row
        {
            take(*low);
            take(*high);
        }
    }
    reference.into_iter().for_each(&mut take);
    let (low, high) = if ends.0 > ends.1 { (0.0, 1.0) } else { ends };
    let span = (high - low).max(f64::MIN_POSITIVE);
    let power = 10f64.powf((span / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
    let step = steps
        .into_iter()
        .find(|s| span / s <= 6.0)
        .unwrap_or(steps[3]);
    (
        (low / step).floor() * step,
        (high / step).ceil() * step,
        step,
    )
}

impl Dots<'_> {
    /// Both drawings.
    pub(super) fn html(&self) -> Html {
        Html::concat([
            Html::literal("<div class=\"ldsp-chart\">"),
            Html::render(&self.draw(&WIDE)),
            Html::render(&self.draw(&NARROW)),
            Html::literal("</div>"),
        ])
    }

    fn draw(&self, screen: &Screen) -> Drawing<'_> {
        let (low, high, step) = axis(&self.rows, self.reference.as_ref().map(|r| r.1));
        let at = |v: f64| screen.left + (v - low) / (high - low) * (screen.right - screen.left);
        let mut y = TOP;
        let mut headings = Vec::new();
        let mut areas = Vec::new();
        for row in &self.rows {
            match row {
                Row::Heading(text) => {
                    headings.push((text.clone(), one(y + HEADING - 9.0)));
                    y += HEADING;
                }
                Row::Area {
                    name,
                    href,
                    figure,
                    said,
                } => {
                    let dot = figure
                        .ok()
                        .map(|(v, l, h)| (one(at(v)), one(at(l)), one(at(h))));
                    areas.push(Mark {
                        name,
                        href,
                        said,
                        dot,
                        missing: figure.err().unwrap_or_default(),
                        ..screen.mark(y)
                    });
                    y += screen.row;
                }
            }
        }
        let count = ((high - low) / step).round() as u32;
        let ticks = (0..=count).map(|i| low + f64::from(i) * step);
        let reference = self.reference.as_ref();
        Drawing {
            chart: self,
            class: screen.class,
            width: screen.width,
            height: y + 34.0,
            bottom: y + 4.0,
            ticks: ticks.map(|t| (one(at(t)), (self.tick)(t))).collect(),
            reference: reference.map(|(label, value)| screen.reference(label, at(*value))),
            headings,
            areas,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_covers_every_interval_and_names_are_escaped() {
        let row = |name: &str, low, high| Row::Area {
            name: name.into(),
            href: "/leps/E37000001".into(),
            figure: Ok(((low + high) / 2.0, low, high)),
            said: name.into(),
        };
        let rows = vec![row("<b>", 61.2, 70.0), row("B", 72.0, 83.3)];
        assert_eq!(axis(&rows, Some(74.0)), (60.0, 85.0, 5.0));
        let dots = Dots {
            id: "x",
            title: "<i>".into(),
            description: String::new(),
            rows,
            reference: Some(("England".into(), 74.0)),
            tick: |v| format!("{v:.0}"),
        };
        let html = dots.html().to_string();
        assert!(!html.contains("<b>") && !html.contains("<i>"));
        assert!(!html.contains("NaN"));
    }
}
