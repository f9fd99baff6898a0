use jiff::civil::date;
use ldsp_protocol::practice::Sharing;
use ldsp_protocol::statement::Kind;

use super::{SIGN, damaged, entry, month};
use crate::receive::tests::practice::entry as sample;
use crate::store::{Log, Outline, Registry, Span, StatementFilter};
use crate::testing::{Sim, admit};

fn indices(lines: &[Outline]) -> Vec<u64> {
    lines.iter().map(|line| line.index).collect()
}

/// Lists of statements: order, filters, pages while the log grows, what is public, damage.
pub(crate) async fn listing_conforms<S: Log + Registry>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let store = open().await;
    let all = StatementFilter::default;
    assert_eq!(store.latest(&all(), 100).await.unwrap(), []);
    assert_eq!(store.heads().await.unwrap(), []);
    let (mut a, mut b) = (Sim::new(0), Sim::new(1));
    admit(&store, &a).await;
    admit(&store, &b).await;
    let mut withheld = sample("E37000001");
    withheld.sharing = Sharing::PeersUntil(date(2022, 5, 1));
    let mut open_entry = sample("E37000055");
    open_entry.sharing = Sharing::Public;
    let (mut of_a, mut of_b) = (vec![], vec![]);
    let sent = [
        month(&mut a, &mut of_a),
        month(&mut b, &mut of_b),
        entry(&mut a, withheld),
        entry(&mut b, open_entry),
    ];
    store.append(&sent, SIGN).await.unwrap();
    let lines = store.latest(&all(), 100).await.unwrap();
    assert_eq!(indices(&lines), [3, 2, 1, 0]);
    for (line, new) in lines.iter().rev().zip(&sent) {
        let found = (&line.node, line.seq, line.kind, line.period, line.pae);
        assert_eq!(found, (&new.node, new.seq, new.kind, new.period, new.pae));
        assert_eq!(line.received, new.received);
    }
    let public = |day| -> Vec<bool> { lines.iter().map(|line| line.is_public(day)).collect() };
    assert_eq!(public(date(2022, 4, 30)), [true, false, true, true]);
    assert_eq!(public(date(2022, 5, 1)), [true; 4]);
    assert_eq!(indices(&store.heads().await.unwrap()), [2, 3]);

    let of_kind = async |start, limit| -> Vec<u64> {
        let found = store.statements_of(Kind::PracticeEntry, start, limit).await;
        found.unwrap().iter().map(|s| s.index).collect()
    };
    assert_eq!(of_kind(0, 9).await, [2, 3]);
    assert_eq!(of_kind(0, 1).await, [2]);
    assert_eq!(of_kind(3, 9).await, [3]);
    assert_eq!(of_kind(4, 9).await, [0; 0]);

    let of_one = StatementFilter {
        node: Some(b.slug.clone()),
        kind: Some(Kind::LearningSummary),
        ..all()
    };
    assert_eq!(indices(&store.latest(&of_one, 100).await.unwrap()), [1]);
    assert_eq!(indices(&store.latest(&all(), 2).await.unwrap()), [3, 2]);
    let later = [month(&mut a, &mut of_a)];
    store.append(&later, SIGN).await.unwrap();
    let second = StatementFilter {
        span: Span::Before(2),
        ..all()
    };
    assert_eq!(indices(&store.latest(&second, 2).await.unwrap()), [1, 0]);
    damage(
        &store,
        "UPDATE statement SET kind = 'rumour' WHERE leaf = 1",
    )
    .await;
    damaged(store.latest(&all(), 100).await, ("statement", "kind", "1"));
}
