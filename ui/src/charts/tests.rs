//! Charts escape what they are given, say what they show and stay within their frame.

use proptest::prelude::*;

use super::*;

const XSS: &str = "\"'><script>alert(1)</script>";

fn alternative() -> Alternative {
    Alternative::new(XSS, XSS, XSS)
}

fn charts() -> [Html; 3] {
    let estimate = Estimate::between(50.0, 40.0, 60.0);
    let line = LineChart::new(alternative(), Unit::Percent, [XSS, XSS])
        .series(Series::new(XSS, [Some(estimate), None]));
    let bars = BarChart::new(
        alternative(),
        Unit::Count,
        [
            Bar::new(XSS, estimate).href(XSS).highlighted(),
            Bar::missing(XSS, XSS),
        ],
    )
    .reference(XSS, 55.0);
    let tiles = [
        Tile::new(1, 1, XSS, XSS).value(1, XSS).href(XSS),
        Tile::new(2, 1, XSS, XSS),
    ];
    let map = HexMap::new(alternative(), tiles, XSS, [XSS; 3]).no_data(XSS);
    [line.into(), bars.into(), map.into()]
}

#[test]
fn no_chart_lets_text_become_markup_or_style() {
    for chart in charts() {
        let svg = chart.as_str();
        assert!(
            svg.contains("script") && !svg.contains("<script") && !svg.contains("\"'>"),
            "{svg}"
        );
        assert!(!svg.contains("style="), "{svg}");
        assert_eq!(svg.matches("<desc id=").count(), 2, "one for each screen");
    }
}

#[test]
fn numbers_read_as_people_write_them() {
    assert_eq!(
        [
            count(0.0),
            count(999.4),
            count(1000.0),
            count(84_760.0),
            count(-1_234_567.0)
        ],
        ["0", "999", "1,000", "84,760", "−1,234,567"]
    );
    assert_eq!(
        [percent(74.15), percent(100.0), percent(-0.01)],
        ["74.2%", "100.0%", "0.0%"]
    );
    assert_eq!(
        [Unit::Percent.tick(70.0), Unit::Percent.tick(72.5)],
        ["70%", "72.5%"]
    );
}

#[test]
fn an_axis_that_does_not_start_at_zero_says_so() {
    let chart = |unit| {
        let points = [Some(Estimate::exact(72.0)), Some(Estimate::exact(75.0))];
        Html::from(LineChart::new(alternative(), unit, ["a", "b"]).series(Series::new("s", points)))
            .to_string()
    };
    assert!(
        chart(Unit::Percent).contains("Axis starts at 72%"),
        "{}",
        chart(Unit::Percent)
    );
    assert!(!chart(Unit::Count).contains("Axis starts"));
}

#[test]
fn no_data_is_drawn_without_a_bar_and_with_its_reason() {
    let chart = BarChart::new(
        alternative(),
        Unit::Count,
        [Bar::missing("Essex", "too few to show")],
    );
    let svg = Html::from(chart).to_string();
    assert!(svg.contains("too few to show") && !svg.contains("class=\"bar\""));
    let empty = LineChart::new(alternative(), Unit::Percent, [""; 0]).series(Series::new("s", []));
    assert!(!Html::from(empty).as_str().contains("NaN"));
}

/// Every coordinate of an attribute in the drawings.
fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
    let mark = format!(" {attribute}=\"");
    svg.split(&mark)
        .skip(1)
        .filter_map(|rest| rest.split('"').next()?.parse().ok())
        .collect()
}

/// Three areas were counted on a scale of 0, 0, 1, 1: half an area is rounded.
#[test]
fn few_things_are_counted_in_whole_steps() {
    for (highest, expected) in [(0.0, 2), (1.0, 2), (3.0, 4), (7.0, 5)] {
        let bars = [Bar::new("b", Estimate::exact(highest))];
        let chart: Html = BarChart::new(alternative(), Unit::Count, bars).into();
        let wide = chart.as_str().split("ldsp-chart__narrow").next();
        let ticks = wide.map_or(0, |wide| wide.matches("class=\"muted").count());
        assert_eq!(ticks, expected, "{highest}");
    }
}

proptest! {
    #[test]
    fn marks_stay_inside_the_drawing(values in prop::collection::vec((0.0..1e7f64, 0.0..1e6f64), 1..30), unit in prop_oneof![Just(Unit::Count), Just(Unit::Percent)]) {
        let value = |(v, w): (f64, f64)| {
            let (v, w) = if unit == Unit::Percent { (v / 1e5, w / 1e5) } else { (v, w) };
            Estimate::between(v, (v - w).max(0.0), v + w)
        };
        let periods: Vec<String> = (0..values.len()).map(|i| format!("M{i}")).collect();
        let line: Html = LineChart::new(alternative(), unit, periods)
            .series(Series::new("s", values.iter().map(|&v| Some(value(v)))))
            .into();
        let bars: Html = BarChart::new(alternative(), unit, values.iter().map(|&v| Bar::new("b", value(v)))).into();
        for svg in [line.as_str(), bars.as_str()] {
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
            for x in ["x", "x1", "x2", "cx"].iter().flat_map(|a| numbers(svg, a)) {
                prop_assert!((0.0..=Screen::Wide.width()).contains(&x), "x = {x}");
            }
            for y in ["y", "y1", "y2", "cy"].iter().flat_map(|a| numbers(svg, a)) {
                prop_assert!(y >= 0.0, "y = {y}");
            }
        }
    }

    #[test]
    fn scales_cover_their_range_in_few_round_steps(low in -1e6..1e6f64, span in 0.0..1e6f64) {
        let scale = scale::Scale::covering(low, low + span, 5.0, (0.0, 100.0));
        let ticks: Vec<f64> = scale.ticks().collect();
        prop_assert!((2..=8).contains(&ticks.len()), "{ticks:?}");
        prop_assert!(ticks[0] <= low && ticks[ticks.len() - 1] >= low + span - 1e-6 * span.abs());
        prop_assert!((-1e-6..=100.000_001).contains(&scale.at(low)));
    }
}
