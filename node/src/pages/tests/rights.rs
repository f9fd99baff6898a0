//! Learners' rights, retention and the audit log, on the pages.

use super::*;

/// What the hidden field of the next question holds.
fn learner(page: &str) -> String {
    let from = page
        .split("name=\"learner\" value=\"")
        .nth(1)
        .expect("a form with a learner");
    from[..32].to_owned()
}

async fn imported(world: &World) {
    for (kind, file) in [
        ("programmes", PROGRAMMES.to_owned()),
        ("learners", learners()),
    ] {
        let seen = world.upload(kind, "store", &file).await;
        assert_eq!(seen.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn who_which_right_preview_done() {
    let world = world().await;
    world.released().await;
    let page = world.get("ann", "/rights").await.body;
    assert!(page.contains("Find by ULN") && page.contains("Find by reference"));
    let reader = world.get("bob", "/rights").await.body;
    assert!(reader.contains("A coordinator answers") && !reader.contains("name=\"uln\""));
    let found = world
        .post("ann", "/rights", "provider=College&reference=R0")
        .await;
    assert_eq!(found.status, StatusCode::OK);
    assert!(found.body.contains("Which right?") && found.body.contains("10 January 2022"));
    let form = format!("learner={}", learner(&found.body));
    let told = world.post("ann", "/rights/access", &form).await.body;
    for words in [
        "What is held about you",
        "Learning aim",
        "Dudley",
        "1 fact about you",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let document = world
        .post("ann", "/rights/access", &format!("{form}&as=html"))
        .await;
    let disposition = document.headers[header::CONTENT_DISPOSITION]
        .to_str()
        .unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert!(document.body.starts_with("<!DOCTYPE html>"));
    let json = world
        .post("ann", "/rights/access", &format!("{form}&as=json"))
        .await;
    let json: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(json["held"]["enrolments"][0]["provider"], "College");

    let preview = world.post("ann", "/rights/preview", &form).await.body;
    for words in [
        "What erasing does",
        "Enrolments that go: 1",
        "Erased records cannot be brought back",
    ] {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    let unread = world.post("ann", "/rights/erase", &form).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.body.contains("href=\"#read\""), "{}", unread.body);
    let queued = world.queued.load(Ordering::Relaxed);
    let done = world
        .post("ann", "/rights/erase", &format!("{form}&read=yes"))
        .await;
    assert_eq!(done.location(), "/rights?done=erased");
    assert_eq!(world.queued.load(Ordering::Relaxed), queued + 1);
    let page = world.get("ann", "/rights?done=erased").await.body;
    assert!(page.contains("records are erased"));
    let again = world
        .post("ann", "/rights", "provider=College&reference=R0")
        .await
        .body;
    assert!(again.contains("erased before") && again.contains("holds nothing"));
    // The released figures are as they were.
    let release = world.get("bob", "/releases/2022-01").await;
    assert_eq!(release.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_typed_comes_back_nowhere() {
    let world = world().await;
    imported(&world).await;
    for (form, field) in [
        ("", "uln"),
        ("uln=1000000028", "uln"),
        ("uln=1000000027&provider=College&reference=CANARY77", "uln"),
        ("provider=College", "reference"),
        ("reference=CANARY77", "provider"),
        ("provider=Nowhere&reference=CANARY77", "provider"),
    ] {
        let seen = world.post("ann", "/rights", form).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(seen.body.contains(&format!("href=\"#{field}\"")), "{form}");
        for typed in ["CANARY77", "1000000028", "1000000027", "Nowhere"] {
            assert!(!seen.body.contains(typed), "{form}: {typed}");
        }
    }
    let nobody = world
        .post("ann", "/rights", "provider=College&reference=CANARY77")
        .await;
    assert!(nobody.body.contains("holds nothing") && !nobody.body.contains("CANARY77"));
    assert!(!nobody.body.contains("/rights/preview"));
    for path in ["/rights/access", "/rights/preview", "/rights/erase"] {
        for form in ["", "learner=zz", "learner=R0&read=yes"] {
            let seen = world.post("ann", path, form).await;
            assert_eq!(seen.status, StatusCode::CONFLICT, "{path} {form}");
        }
    }
    let acts = world.node.store.audit_entries(99).await.unwrap();
    assert!(
        acts.iter()
            .all(|act| !format!("{act:?}").contains("CANARY77"))
    );
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_keeps_the_records() {
    let world = world().await;
    imported(&world).await;
    let found = world
        .post("ann", "/rights", "provider=College&reference=R0")
        .await;
    let form = format!("learner={}&read=yes", learner(&found.body));
    std::fs::write(world.node.dir.join(crate::rights::JOURNAL), "broken").unwrap();
    let refused = world.post("ann", "/rights/erase", &form).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.body.contains("Nothing was erased"),
        "{}",
        refused.body
    );
    let left = world.node.store.exact_held(9, 9).await.unwrap();
    assert_eq!(left.for_signed_in_page().learners, 40);
}

#[tokio::test]
async fn retention_says_what_is_due_and_deletes_it_when_told() {
    let off = world().await;
    let page = off.get("ann", "/retention").await.body;
    assert!(page.contains("No period is set") && page.contains("href=\"/retention/period\""));
    assert_eq!(
        off.post("ann", "/retention", "read=yes").await.status,
        StatusCode::CONFLICT
    );
    let policy = Policy {
        months: 1,
        schedule: "0 4 * * SUN".parse().unwrap(),
    };
    let world = world_keeping(Some(policy)).await;
    imported(&world).await;
    let waiting = world.get("ann", "/retention").await.body;
    assert!(waiting.contains("Nothing is due today"), "not released yet");
    sqlx::query("UPDATE enrolments SET counted = 127")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let page = world.get("ann", "/retention").await.body;
    assert!(page.contains("Delete what is due now") && page.contains("Exact: do not share"));
    assert!(page.contains("6 March 2022, 04:00"), "{page}");
    let reader = world.get("bob", "/retention").await.body;
    assert!(!reader.contains("Delete what is due now"));
    let unread = world.post("ann", "/retention", "").await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = world.post("ann", "/retention", "read=yes").await;
    assert_eq!(done.location(), "/retention?done=deleted");
    let page = world.get("ann", "/retention?done=deleted").await.body;
    assert!(page.contains("are deleted") && page.contains("Nothing is due today"));
    let left = world.node.store.exact_held(9, 9).await.unwrap();
    // Those of January began more than a month ago.
    assert_eq!(left.for_signed_in_page().learners, 20);
}

/// Field by field as a form sends them.
fn period(months: &str, reason: &str, instead_of: i64, confirmed: &str) -> String {
    format!("months={months}&reason={reason}&instead_of={instead_of}&confirmed={confirmed}")
}

#[tokio::test]
async fn a_period_is_set_with_its_reason_after_it_was_seen_what_it_does() {
    let world = world().await.with_everybody().await;
    imported(&world).await;
    sqlx::query("UPDATE enrolments SET counted = 127")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let path = "/retention/period";
    for who in ["bob", "pam", "vic"] {
        assert_eq!(world.get(who, path).await.status, StatusCode::FORBIDDEN);
        let sent = world
            .post(who, path, &period("1", "Because", 0, "yes"))
            .await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN);
    }
    assert!(!world.get("bob", "/retention").await.body.contains(path));
    for (form, field) in [
        (period("0", "ESF", 0, ""), "months"),
        (period("1201", "ESF", 0, ""), "months"),
        (period("seven", "ESF", 0, "yes"), "months"),
        (period("84", "", 0, "yes"), "reason"),
        (period("84", "Ask+jo@example.org", 0, "yes"), "reason"),
    ] {
        let seen = world.post("ada", path, &form).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        let at = format!("href=\"#{field}\"");
        assert!(seen.body.contains(&at), "{form}: {}", seen.body);
    }
    // Before it holds everybody is shown what it does; who may see exact counts, how many.
    let asked = world
        .post("ann", path, &period("1", "The+grant+says+so", 0, ""))
        .await;
    assert!(
        asked.body.contains("Keep records for 1 months?"),
        "{}",
        asked.body
    );
    assert!(asked.body.contains("6 March 2022, 04:00"), "{}", asked.body);
    assert!(asked.body.contains("Learners whose records are due"));
    let asked = world
        .post("ada", path, &period("1", "The+grant+says+so", 0, ""))
        .await;
    assert!(!asked.body.contains("Learners whose records are due"));
    assert!(
        world
            .get("ann", "/retention")
            .await
            .body
            .contains("No period is set")
    );
    let set = world
        .post("ada", path, &period("1", "The+grant+says+so", 0, "yes"))
        .await;
    assert_eq!(set.location(), "/retention?done=set");
    let page = world.get("bob", set.location()).await.body;
    for words in [
        "The grant says so",
        "ada",
        "1 months after the end",
        "Next time by itself",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // Who saw another period does not overwrite this one.
    let late = world
        .post("ann", path, &period("2", "Late", 0, "yes"))
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("in the meantime"), "{}", late.body);
    let form = world.get("ann", path).await.body;
    assert!(form.contains("name=\"instead_of\" value=\"1\""), "{form}");
    let off = world
        .post("ann", path, &period("", "The+grant+is+over", 1, "yes"))
        .await;
    assert_eq!(off.location(), "/retention?done=set");
    let page = world.get("ann", "/retention").await.body;
    assert!(page.contains("No period is set") && page.contains("The grant is over"));
    let log = world.get("ada", "/audit").await.body;
    assert!(log.contains("retention period set") && log.contains("1 months: The grant says so"));
    // What the IT team wrote into the configuration comes first.
    let configured = world_keeping(Some(Policy::of(84)))
        .await
        .with_everybody()
        .await;
    let page = configured.get("ada", "/retention").await.body;
    assert!(page.contains("in the configuration of the node") && !page.contains(path));
    for seen in [
        configured.get("ada", path).await,
        configured
            .post("ada", path, &period("1", "Because", 0, "yes"))
            .await,
    ] {
        assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    }
}

#[tokio::test]
async fn the_audit_log_is_filtered_paged_checked_and_downloaded() {
    let world = world().await;
    let hostile = format!("{HOSTILE} =1+1");
    for n in 0..60 {
        let detail = format!("={n} {hostile}");
        world
            .node
            .store
            .audit(at("2022-03-04T09:00:00Z"), "eve & co", "test act", &detail)
            .await
            .unwrap();
    }
    let page = world.get("bob", "/audit").await.body;
    assert!(page.contains("test act") && !page.contains(HOSTILE));
    let filtered = world
        .get("bob", "/audit?who=eve+%26+co&action=test+act")
        .await
        .body;
    assert!(
        !filtered.contains("<td class=\"govuk-table__cell\">init</td>"),
        "{filtered}"
    );
    let next = filtered
        .split(" rel=\"next\"")
        .next()
        .and_then(|before| before.rsplit("href=\"").next())
        .map(|next| next.replace("&#38;", "&").replace("&amp;", "&"))
        .map(|next| next.trim_end_matches('"').to_owned())
        .expect("a next page");
    let kept = "/audit?action=test%20act&before=";
    assert!(
        next.starts_with(kept) && next.ends_with("&who=eve%20%26%20co"),
        "{next}"
    );
    let second = world.get("bob", &next).await;
    assert_eq!(second.status, StatusCode::OK, "{next}");
    assert!(
        second.body.contains("rel=\"prev\"") && !second.body.contains("rel=\"next\""),
        "{next}"
    );
    let none = world.get("bob", "/audit?who=nobody").await.body;
    assert!(none.contains("There is no entry like that"));
    let odd = world.get("bob", "/audit?before=x").await.body;
    assert!(
        odd.contains("test act"),
        "nothing in an address is an error"
    );
    let oldest = world.get("bob", "/audit?order=up").await.body;
    assert!(oldest.contains("aria-sort=\"ascending\"") && oldest.contains(">init</td>"));
    let later = world.get("bob", "/audit?order=up&after=20").await.body;
    assert!(!later.contains(">init</td>") && later.contains("=19 "));
    let of_one = world.get("bob", "/audit/export.csv?action=init").await.body;
    assert_eq!(of_one.lines().count(), 2, "{of_one}");
    let csv = world.get("bob", "/audit/export.csv").await.body;
    assert!(
        csv.starts_with("entry,at,who,action,detail,hash\n1,"),
        "{csv}"
    );
    assert!(csv.contains("'=0 "), "no formula");
    let json = world.get("bob", "/audit/export.json").await.body;
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["entry"], 1);
    assert_eq!(json.len(), csv.lines().count() - 1);
    let check = world.get("bob", "/audit/check").await.body;
    assert!(check.contains("The log is whole"));
    for sql in [
        "DROP TRIGGER audit_unchanged",
        "UPDATE audit SET who = 'x' WHERE id = 3",
    ] {
        sqlx::query(sql)
            .execute(&world.node.store.writer)
            .await
            .unwrap();
    }
    let check = world.get("bob", "/audit/check").await.body;
    assert!(check.contains("entry 3 was altered"), "{check}");
}

/// docs/roles.md: an admin never sees an exact count, on whatever way they read the log.
#[tokio::test]
async fn an_admin_reads_the_audit_log_without_counts() {
    let world = world().await.with_everybody().await;
    imported(&world).await;
    let found = world
        .post("ann", "/rights", "provider=College&reference=R0")
        .await;
    let form = format!("learner={}", learner(&found.body));
    world.post("ann", "/rights/access", &form).await;
    world
        .post("ann", "/rights/erase", &format!("{form}&read=yes"))
        .await;
    let acts = world.node.store.audit_entries(99).await.unwrap();
    let records = [
        "import programmes",
        "import learners",
        "subject access",
        "learner erased",
    ];
    let counted = acts
        .iter()
        .filter(|entry| records.contains(&entry.action.as_str()));
    let counted: Vec<_> = counted.collect();
    assert_eq!(counted.len(), 4, "{acts:#?}");
    let asks = [
        "/audit",
        "/audit/export.csv",
        "/audit/export.json",
        "/api/v1/audit",
    ];
    for path in asks {
        let [told, whole] = [
            world.get("ada", path).await.body,
            world.get("bob", path).await.body,
        ];
        for entry in &counted {
            assert!(whole.contains(&entry.detail), "{path} {}", entry.action);
            assert!(!told.contains(&entry.detail), "{path} {}", entry.action);
            assert!(told.contains(&entry.action), "{path} {}", entry.action);
        }
        assert!(
            told.contains("told to coordinators and approvers only"),
            "{path}"
        );
    }
    // The hash of what is not told is still that of the entry.
    let told = world.get("ada", "/audit/export.json").await.body;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let of = |entry: &serde_json::Value| entry["hash"].as_str().map(str::to_owned);
    let hashes: Vec<_> = told.as_array().unwrap().iter().filter_map(of).collect();
    let last = acts.iter().max_by_key(|entry| entry.id).unwrap();
    assert_eq!(
        hashes.last(),
        last.hash.map(|hash| hash.to_string()).as_ref()
    );
}

/// Where a wrong ULN tied two learners together the page asks whose records they are, and goes on with those alone.
#[tokio::test]
async fn of_two_learners_under_one_number_the_chosen_one_is_shown_and_erased() {
    let world = world().await;
    imported(&world).await;
    let head = learners().lines().next().unwrap().to_owned();
    let row = |uln: &str, aim: &str, start: &str| {
        format!(
            "College,R0,{uln},1950-05-01,female,white,no,retired,,E08000027,{aim},P1,foundation,online,{start},,,in progress"
        )
    };
    for row in [
        row("1000000035", "OTHER", "2021-10-01"),
        row("1000000027", "MINE", "2021-11-01"),
    ] {
        let seen = world
            .upload("learners", "store", &format!("{head}\n{row}\n"))
            .await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    }
    let asked = world.post("ann", "/rights", "uln=1000000027").await;
    assert_eq!(asked.status, StatusCode::OK);
    for words in ["Whose records?", "The ULN that was given", "Another ULN"] {
        assert!(asked.body.contains(words), "{words}: {}", asked.body);
    }
    let whole = format!("learner={}", learner(&asked.body));
    for path in ["/rights", "/rights/preview", "/rights/erase"] {
        let unchosen = world.post("ann", path, &whole).await;
        assert_eq!(unchosen.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(unchosen.body.contains("href=\"#parts\""), "{path}");
    }
    let untold = world.post("ann", "/rights/access", &whole).await;
    assert_eq!(untold.status, StatusCode::CONFLICT);
    // The label of a box stands behind its value.
    let before = asked.body.split("The ULN that was given").next().unwrap();
    let part = before.rsplit("value=\"").next().unwrap();
    let form = format!("{whole}&parts={}", &part[..16]);
    let right = world.post("ann", "/rights", &form).await.body;
    assert!(right.contains("Which right?") && right.contains("name=\"parts\""));
    let told = world.post("ann", "/rights/access", &form).await.body;
    assert!(told.contains("MINE") && !told.contains("OTHER"), "{told}");
    let confirm = world.post("ann", "/rights/preview", &form).await.body;
    assert!(confirm.contains("name=\"parts\"") && confirm.contains("Erased records cannot"));
    let done = world
        .post("ann", "/rights/erase", &format!("{form}&read=yes"))
        .await;
    assert_eq!(done.location(), "/rights?done=erased");
    let theirs = world.post("ann", "/rights", "uln=1000000035").await.body;
    assert!(theirs.contains("Which right?") && theirs.contains("1 October 2021"));
    assert!(!theirs.contains("1 November 2021"));
}
