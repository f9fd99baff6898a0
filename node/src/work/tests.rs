//! The switch and the list.

use std::time::Duration;

use ldsp_ui::{Role, SignedIn};

use super::*;
use crate::import::{ImportError, Options};
use crate::release::{ReleaseError, Request};
use crate::store::imports::ImportKind;
use crate::testing::{at, period, seeded};

fn person(name: &str, role: &str, organisation: Option<i64>) -> SignedIn {
    SignedIn {
        name: name.to_owned(),
        role: Role::new(role),
        organisation: organisation.map(|id| ldsp_ui::Bound {
            id,
            name: format!("Provider {id}"),
        }),
    }
}

fn begin(task: Task, owner: &SignedIn) -> Begin {
    Begin {
        progress: match &task {
            Task::Import { options, .. } => options.progress.clone(),
            Task::Release(_) => Progress::default(),
        },
        task,
        owner: owner.into(),
        at: at("2022-03-04T09:00:00Z"),
    }
}

fn file() -> Task {
    Task::Import {
        kind: ImportKind::Learners,
        options: Options::default(),
        door: Door::Form,
    }
}

#[test]
fn either_it_is_cancelled_or_it_is_stored() {
    let stored = Progress::default();
    assert_eq!(stored.begin_storing(), Ok(()));
    assert_eq!(stored.begin_storing(), Ok(()), "once decided it stays so");
    assert!(!stored.cancel() && !stored.is_cancelled());
    assert_eq!(stored.phase(), Phase::Storing);
    let cancelled = Progress::default();
    assert!(cancelled.cancel() && cancelled.cancel());
    assert_eq!(cancelled.begin_storing(), Err(Cancelled));
    assert!(cancelled.is_cancelled());
    let mut source = cancelled.counting(&b"bytes"[..]);
    assert!(std::io::read_to_string(&mut source).is_err());
}

#[test]
fn a_release_goes_in_steps_and_a_file_in_bytes() {
    let release = Progress::default();
    assert_eq!(release.share(), None);
    release.enter(Phase::Counting);
    assert_eq!(release.share(), Some((1, 5)));
    let file = Progress::default();
    file.enter(Phase::Reading);
    assert_eq!(file.share(), None, "nobody knows how long a pipe is");
    file.expect(10);
    std::io::read_to_string(file.counting(&b"four"[..])).unwrap();
    assert_eq!(file.share(), Some((4, 10)));
    file.enter(Phase::Settling);
    assert_eq!(file.share(), None);
}

#[tokio::test]
async fn each_sees_the_own_work_and_coordinators_that_of_the_lep() {
    let works = Works::new(Duration::ZERO);
    let (ann, cat) = (
        person("ann", "coordinator", None),
        person("cat", "coordinator", None),
    );
    let (pam, pat) = (
        person("pam", "provider", Some(1)),
        person("pat", "provider", Some(1)),
    );
    let moved = person("pam", "provider", Some(2));
    let entropy = seeded(1);
    let never = || std::future::pending();
    let release = works.start(
        begin(Task::Release(Request::default()), &ann),
        &entropy,
        never(),
    );
    let imported = works.start(begin(file(), &ann), &entropy, never());
    let brought = works.start(begin(file(), &pam), &entropy, never());
    for (work, may) in [
        (&release, [true, true, false, false, false]),
        // What the LEP imports is every coordinator's to see, and its own person's to cancel.
        (&imported, [true, true, false, false, false]),
        (&brought, [false, false, true, false, false]),
    ] {
        for (who, may) in [&ann, &cat, &pam, &pat, &moved].into_iter().zip(may) {
            assert_eq!(works.find(&work.id, who).is_some(), may, "{who:?}");
        }
    }
    assert!(imported.is_for(&ann) && !imported.is_for(&cat));
    assert_eq!(works.under_way(&ann).len(), 2);
    assert_eq!(works.under_way(&pat).len(), 0);
    assert!(works.find("", &ann).is_none());
    // A button that is pressed twice begins one.
    let same = works.preparing(Request::default()).unwrap();
    assert_eq!(same.id, release.id);
    let other = Request {
        period: Some(period("2022-01")),
        ..Request::default()
    };
    assert!(works.preparing(other).is_none());
    assert!(!works.ends_soon(&release).await);
}

#[tokio::test]
async fn what_has_ended_is_kept_in_a_bounded_number_and_a_fault_is_an_end() {
    let works = Works::new(Duration::ZERO);
    let ann = person("ann", "coordinator", None);
    let entropy = seeded(1);
    let mut all = Vec::new();
    for _ in 0..30 {
        let ended = async { Outcome::NotImported(ImportError::Stopped) };
        let work = works.start(begin(file(), &ann), &entropy, ended);
        work.ended().await;
        all.push(work);
    }
    // The list is looked through after the last one has ended.
    while all
        .iter()
        .filter(|w| works.find(&w.id, &ann).is_some())
        .count()
        > 20
    {
        tokio::task::yield_now().await;
    }
    assert!(works.find(&all[29].id, &ann).is_some() && works.find(&all[9].id, &ann).is_none());
    let broken = works.start(begin(file(), &ann), &entropy, async { panic!("a fault") });
    assert!(matches!(broken.ended().await, Outcome::Broken));
    assert!(broken.outcome().is_some() && !broken.ended().await.is_cancelled());
}

#[tokio::test]
async fn a_server_that_ends_cancels_what_can_be_and_waits_for_the_rest() {
    let works = Works::new(Duration::ZERO);
    let ann = person("ann", "coordinator", None);
    let entropy = seeded(1);
    let task = begin(Task::Release(Request::default()), &ann);
    let progress = task.progress.clone();
    let open = works.start(task, &entropy, async move {
        let never = std::future::pending::<Result<(), ReleaseError>>();
        match progress.unless_cancelled(never).await {
            Err(error) => Outcome::NotPrepared(error),
            Ok(()) => Outcome::Broken,
        }
    });
    let task = begin(file(), &ann);
    let progress = task.progress.clone();
    progress.begin_storing().unwrap();
    let storing = works.start(task, &entropy, async {
        tokio::task::yield_now().await;
        Outcome::NotImported(ImportError::Stopped)
    });
    let held = works.alone().unwrap();
    assert!(works.alone().is_none(), "one file at a time");
    drop(held);
    works.stop().await;
    assert!(open.outcome().unwrap().is_cancelled());
    assert!(!storing.outcome().unwrap().is_cancelled());
    assert!(works.alone().is_none(), "no more files");
}

/// Whoever waits for an answer and goes cancels what they began.
#[tokio::test]
async fn who_waits_and_goes_cancels() {
    let works = Works::new(Duration::ZERO);
    let ann = person("ann", "coordinator", None);
    let work = works.start(begin(file(), &ann), &seeded(1), std::future::pending());
    let gone = tokio::time::timeout(Duration::ZERO, work.awaited()).await;
    assert!(gone.is_err() && work.progress.is_cancelled());
}
