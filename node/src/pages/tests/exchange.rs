//! Who collects what: the register, the panel's files, and what may leave.

use super::*;

const META: &str = "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n\
    vacancies,Indicator,Vacancies,,,0,,\n";
const DATA: &str = "time_period,time_identifier,geographic_level,country_code,country_name,local_enterprise_partnership_code,\
    local_enterprise_partnership_name,vacancies\n\
    202122,Academic year,Local enterprise partnership,E92000001,England,E37000001,Black Country,1240\n";

fn form(item: &str, way: &str, data: &str, meta: &str) -> String {
    let part = |name: &str, extra: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n")
    };
    let file = |name: &str, value: &str| {
        part(
            name,
            "; filename=\"f.csv\"\r\nContent-Type: text/csv",
            value,
        )
    };
    format!(
        "{}{}{}{}--b--\r\n",
        part("item", "", item),
        file("data", data),
        file("meta", meta),
        part("way", "", way)
    )
}

impl World {
    async fn panel_sends(&self, who: &str, body: String) -> Seen {
        let request = Request::post("/exchange")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(who, request, body.into()).await
    }

    async fn agreed(&self, item: &str, collector: &str) {
        let form = format!(
            "item={item}&title=What&collector={collector}&frequency=yearly&since=2021-08&until=&body=Analyst&note="
        );
        let seen = self.post("ann", "/data-items/new", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    }
}

#[tokio::test]
async fn the_register_is_kept_and_what_is_amiss_is_said() {
    let world = world().await;
    let page = world.get("ann", "/exchange").await.body;
    assert!(page.contains("Nothing is agreed yet"), "{page}");
    world.agreed("vacancies", "panel").await;
    let page = world.get("bob", "/exchange").await.body;
    assert!(page.contains("Nothing is collected twice"), "{page}");
    assert!(!page.contains("Send the files"), "an approver sends none");
    world.agreed("vacancies", "lep").await;
    let page = world.get("ann", "/exchange").await.body;
    for words in [
        "Collected twice",
        "Agree on one",
        "/data-items/1",
        "August 2021",
    ] {
        assert!(page.contains(words), "{words} {page}");
    }
    let twice = "item=Vacancies&title=What&collector=lep&frequency=yearly&since=2021-08&until=2021-07&body=&note=";
    let seen = world.post("ann", "/data-items/new", twice).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        seen.body.contains("earlier than the first"),
        "{}",
        seen.body
    );
    let seen = world
        .post("ann", "/data-items/new", &twice.replace("2021-07", ""))
        .await;
    assert!(
        seen.body.contains("Another one has this already"),
        "{}",
        seen.body
    );
    let history = world.get("ann", "/data-items/1/history").await.body;
    assert!(history.contains("The Skills Advisory Panel"), "{history}");
}

#[tokio::test]
async fn a_file_of_the_panel_is_checked_kept_shown_and_removed() {
    let world = world().await;
    world.agreed("vacancies", "panel").await;
    let nothing = world.panel_sends("ann", form("", "store", "", "")).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["#item", "#data", "#meta"] {
        assert!(
            nothing.body.contains(&format!("href=\"{field}\"")),
            "{field}"
        );
    }
    let bad = DATA
        .replace("Black Country", "<script>alert(1)</script>")
        .replace("1240", "**");
    let seen = world
        .panel_sends("ann", form("vacancies", "store", &bad, META))
        .await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "2 defects were found",
        "E37000001 is the code of Black Country",
        "neither a number nor a symbol",
    ] {
        assert!(seen.body.contains(words), "{words} {}", seen.body);
    }
    assert!(!seen.body.contains("alert(1)"));
    let seen = world
        .panel_sends("ann", form("vacancies", "check", DATA, META))
        .await;
    assert!(seen.body.contains("Nothing was kept"), "{}", seen.body);
    assert!(
        world
            .get("ann", "/exchange")
            .await
            .body
            .contains("No file yet.")
    );
    for done in ["kept", "already"] {
        let seen = world
            .panel_sends("ann", form("vacancies", "store", DATA, META))
            .await;
        assert_eq!(seen.location(), format!("/exchange?done={done}"));
    }
    let page = world.get("bob", "/exchange/files/1").await.body;
    for words in [
        "1240",
        "2021/22 (academic year)",
        "Black Country",
        "Kept by ann",
    ] {
        assert!(page.contains(words), "{words} {page}");
    }
    assert!(!page.contains("Remove the whole file"));
    let seen = world.post("ann", "/exchange/files/1/remove", "").await;
    assert_eq!(seen.location(), "/exchange?done=removed");
    assert_eq!(
        world.get("ann", "/exchange/files/1").await.status,
        StatusCode::NOT_FOUND
    );
    let acts = world.node.store.audit_entries(3).await.unwrap();
    let acts: Vec<_> = acts.into_iter().map(|entry| entry.action).collect();
    assert_eq!(acts[..2], ["panel file removed", "panel file kept"]);
}

#[tokio::test]
async fn nothing_leaves_that_is_not_agreed_and_released_for_a_whole_year() {
    let world = world().await;
    world.released().await;
    let at = "/exchange/export/enrolments/data.csv";
    let seen = world.get("ann", at).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(
        seen.body.contains("does not say that this LEP collects it"),
        "{}",
        seen.body
    );
    world.agreed("enrolments", "lep").await;
    let seen = world.get("ann", at).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(seen.body.contains("was released whole"), "{}", seen.body);
    // Nobody is led to a file that there is not.
    let page = world.get("ann", "/exchange").await.body;
    assert!(
        page.contains("was released whole") && !page.contains("data.csv"),
        "{page}"
    );
    for other in ["enrolments/other.csv", "learners/data.csv"] {
        let seen = world.get("ann", &format!("/exchange/export/{other}")).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{other}");
    }
}
