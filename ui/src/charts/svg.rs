//! Writes SVG. Text and addresses are escaped here and nowhere else.

use std::fmt::Write;

use super::{Alternative, Screen};
use crate::html::Html;

/// A drawing under way, `height` high.
pub(super) struct Svg {
    marks: String,
    width: f64,
    height: f64,
    has_links: bool,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            marks: String::new(),
            width,
            height,
            has_links: false,
        }
    }

    fn push(&mut self, mark: std::fmt::Arguments<'_>) {
        self.marks
            .write_fmt(mark)
            .expect("writing to a String does not fail");
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), width: f64, height: f64) {
        let width = width.max(0.0);
        self.push(format_args!(r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = Html::text(text);
        self.push(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        ));
    }

    /// A line through the points.
    pub(super) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = join(points);
        self.push(format_args!(
            r#"<polyline class="{class}" points="{points}"/>"#
        ));
    }

    /// A closed shape.
    pub(super) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = join(points);
        self.push(format_args!(
            r#"<polygon class="{class}" points="{points}"/>"#
        ));
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(format_args!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#
        ));
    }

    /// Draws what `inside` draws in a group of this class.
    pub(super) fn group(&mut self, class: &str, inside: impl FnOnce(&mut Self)) {
        self.push(format_args!(r#"<g class="{class}">"#));
        inside(self);
        self.marks.push_str("</g>");
    }

    /// Draws what `inside` draws, as a link when there is an address, and says `label` for it.
    pub(super) fn link(&mut self, href: Option<&str>, label: &str, inside: impl FnOnce(&mut Self)) {
        let label = Html::text(label);
        if let Some(href) = href {
            self.has_links = true;
            let href = Html::text(href);
            self.push(format_args!(
                r#"<a href="{href}" aria-label="{label}"><title>{label}</title>"#
            ));
            inside(self);
            self.marks.push_str("</a>");
        } else {
            self.push(format_args!("<g><title>{label}</title>"));
            inside(self);
            self.marks.push_str("</g>");
        }
    }

    /// The whole drawing. One image to screen readers, unless it has links: then a group of them.
    pub(super) fn finish(self, alternative: &Alternative, screen: Screen) -> Html {
        let class = screen.class();
        let id = Html::text(&format!("{}-{class}", alternative.id));
        let (title, description) = (
            Html::text(&alternative.title),
            Html::text(&alternative.description),
        );
        let role = if self.has_links { "group" } else { "img" };
        let Self {
            marks,
            width,
            height,
            ..
        } = self;
        Html::drawn(format!(
            r#"<svg class="ldsp-chart__{class}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" role="{role}" aria-labelledby="{id}-title" aria-describedby="{id}-desc"><title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{marks}</svg>"#
        ))
    }
}

fn join(points: &[(f64, f64)]) -> String {
    points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect::<Vec<_>>()
        .join(" ")
}
