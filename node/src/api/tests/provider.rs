//! That no endpoint leads to another organisation's records.

use super::*;
use crate::pages::tests::provider::{file, two};

/// Every endpoint, asked by College for what is Library's and the other way round.
#[tokio::test]
async fn no_endpoint_leads_to_another_organisations_records() {
    let world = two().await;
    let mut own = Vec::new();
    for rule in rules() {
        let is_own = rule.path.starts_with("/api/v1/provider");
        let open = matches!(rule.access, Access::Roles(roles) if roles.contains(&"provider"));
        assert_eq!(is_own, open, "{}", rule.path);
        for (who, foreign, secret) in [("pam", "2", "B1"), ("pat", "1", "A1")] {
            let path = rule.path.replace("{id}", foreign);
            let path = concrete(&path);
            let request = from(who, rule.method.clone(), &path)
                .header(header::CONTENT_TYPE, "application/json");
            let body = if rule.method == Method::GET { "" } else { "{}" };
            let reply = send(&world, request, body).await;
            let told = reply.text();
            assert!(
                !told.contains(secret),
                "{who} {} {path}: {told}",
                rule.method
            );
            if rule.access != Access::Public && !is_own {
                reply.is(problem::ROLE);
            }
        }
        if is_own {
            own.push(format!("{} {}", rule.method, rule.path));
        }
    }
    let asked = [
        "GET /api/v1/provider/cohorts",
        "POST /api/v1/provider/learners",
    ];
    assert_eq!(own, asked, "a new one needs its own lines below");
    // Into another's cohort, and of another's learners.
    let bring = async |who: &str, query: &str, file: &str| {
        let path = format!("/api/v1/provider/learners{query}");
        let request = from(who, Method::POST, &path).header(header::CONTENT_TYPE, "text/csv");
        send(&world, request, file.to_owned()).await
    };
    for (who, query, other) in [
        ("pam", "?cohort=2", "Library"),
        ("pat", "?cohort=1", "College"),
    ] {
        bring(who, query, &file("", "2022-099"))
            .await
            .is(problem::NOT_FOUND);
        let refused = bring(who, "", &file(other, "2022-099")).await;
        let refused = refused.is(problem::IMPORT);
        assert!(
            refused.to_string().contains("provider-other"),
            "{refused:#}"
        );
    }
    let all = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM enrolments");
    assert_eq!(all.fetch_one(&world.node.store.reader).await.unwrap(), 2);
}
