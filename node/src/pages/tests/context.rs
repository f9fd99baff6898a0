//! What others published, beside one another.

use super::*;

#[tokio::test]
async fn published_figures_stand_beside_region_and_england_with_source_and_year() {
    let world = world().await;
    let seen = world.get("ann", "/context").await;
    assert_eq!(seen.status, StatusCode::OK);
    for words in [
        "What employers need",
        "2021/22",
        "29.7% (3,519)",
        "Employer Skills Survey 2017, LEP tables, table 80",
        "Open Government Licence v3.0",
        "not published",
        "(UK)",
    ] {
        assert!(seen.body.contains(words), "{words} {}", seen.body);
    }
    assert!(!seen.body.contains("Exact: do not share"));
    for measure in ldsp_protocol::context::Context::embedded().measures() {
        let seen = world.get("bob", &format!("/context/{}", measure.id)).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", measure.id);
        assert!(seen.body.contains("<svg"), "{}", measure.id);
        assert!(seen.body.contains("Source of"), "{}", measure.id);
    }
    let missing = world.get("ann", "/context/need-magic").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_node_holds_of_the_same_year_is_exact_and_only_for_those_who_may_see_it() {
    let world = world().await.with_everybody().await;
    let page = world.get("ann", "/context/fe-ict-enrolments").await.body;
    assert!(page.contains("What this node holds of 2021/22"), "{page}");
    assert!(page.contains("Exact: do not share"));
    let page = world.get("vic", "/context/fe-ict-enrolments").await.body;
    assert!(page.contains("Exact counts are shown to coordinators and approvers only."));
    assert!(!page.contains("Enrolments that began"));
}

#[tokio::test]
async fn the_file_has_a_row_for_each_figure_and_never_nought_for_what_is_not_published() {
    let world = world().await;
    let seen = world.get("ann", "/context/figures.csv").await;
    let mut lines = csv::Reader::from_reader(seen.body.as_bytes());
    let rows: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert!(rows.len() > 50);
    for row in &rows {
        assert_ne!(row[7].is_empty(), row[8].is_empty(), "{row:?}");
    }
    let england = |row: &&csv::StringRecord| &row[0] == "need-digital" && &row[4] == "nation";
    let england = rows.iter().find(england).unwrap();
    assert_eq!((&england[7], &england[9]), ("430398", "48.0"));
}
