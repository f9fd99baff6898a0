//! Withdrawing and publishing again, on the pages.

use super::*;

#[tokio::test]
async fn an_approver_withdraws_a_month_and_publishes_it_again() {
    let world = world().await;
    let empty = world.get("ann", "/statements").await.body;
    assert!(empty.contains("Nothing was sent yet"));
    world.released().await;
    let list = world.get("ann", "/statements").await.body;
    assert!(list.contains("Monthly figures of January 2022") && list.contains("Stands"));
    let author = world.get("ann", "/statements/1").await.body;
    assert!(author.contains("An approver decides") && !author.contains("<textarea"));
    let page = world.get("bob", "/statements/1").await.body;
    assert!(page.contains("Withdraw statement 1") && page.contains("noise is drawn once"));

    let path = "/statements/1/withdraw";
    let unfit = world
        .post("bob", path, "reason=Ask+Jo+on+0121+496+0000")
        .await;
    assert_eq!(unfit.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unfit.body.contains("a telephone number") && unfit.body.contains("href=\"#reason\""));
    let none = world.post("bob", path, "reason=").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let seen = world
        .post("bob", path, "reason=Sent+%3Cb%3Etoo%3C/b%3E+early.")
        .await;
    assert_eq!(seen.location(), "/statements/2?done=withdrawn");
    assert_eq!(world.queued.load(Ordering::Relaxed), 2);
    let page = world.get("bob", "/statements/2?done=withdrawn").await.body;
    for part in [
        "The withdrawal is signed",
        "Withdrawal of statement 1",
        "Sent &lt;b&gt;too&lt;/b&gt; early.",
        "A withdrawal stays",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let twice = world.post("bob", path, "reason=Again.").await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.body.contains("already-withdrawn"), "{}", twice.body);

    let page = world.get("bob", "/statements/1").await.body;
    assert!(page.contains("Withdrawn by") && page.contains("Publish it again"));
    let seen = world
        .post("bob", "/statements/1/reissue", "reason=Agreed+now.")
        .await;
    assert_eq!(seen.location(), "/statements/3?done=reissued");
    let page = world.get("bob", "/statements/1").await.body;
    assert!(page.contains("Published again as") && !page.contains("<textarea"));
    let list = world.get("ann", "/statements").await.body;
    assert!(list.contains("January 2022, published again") && list.contains("Agreed now."));
    let home = world.get("ann", "/").await.body;
    assert!(home.contains("Withdrawal of statement 1") && home.contains("href=\"/statements\""));
    for missing in ["/statements/9", "/statements/x"] {
        let seen = world.get("bob", missing).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND);
    }
}
