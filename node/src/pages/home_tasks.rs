//! What is next and who must do it.

use ldsp_ui::SignedIn;
use ldsp_ui::components::{TagColour, Task, TaskList};

use super::home::{Desk, tag};
use super::{federation, needs, questionnaires, words};
use crate::store::overview::StatementRow;
use crate::store::people::{Role, same_person};
use crate::store::practice::StoredEntry;

/// The way from an empty node to its first month: why each step, how long it takes, and what of it the store shows to be done. `None` once all
/// is done, and for those who have no part in it.
pub(super) fn getting_started(desk: &Desk, person: &SignedIn) -> Option<TaskList> {
    if !person.is_any(&["admin", "coordinator", "approver"]) {
        return None;
    }
    let steps = [
        admin_step(desk),
        lep_step(desk, person),
        people_step(desk, person),
        data_step(desk, person),
        preview_step(desk, person),
        enrol_step(desk),
    ];
    if steps.iter().all(|step| matches!(step, Step::Done(_))) {
        return None;
    }
    let mut list = TaskList::new("start");
    for step in steps {
        list = list.task(match step {
            Step::Done(task) | Step::ToDo(task) => task,
        });
    }
    Some(list)
}

enum Step {
    Done(Task),
    ToDo(Task),
}

fn step(done: bool, title: &str, why: &str, minutes: &str, href: Option<&str>) -> Step {
    if done {
        return Step::Done(Task::done(title));
    }
    let task = Task::new(title, tag("To do", TagColour::Yellow))
        .hint(format!("{why} It takes {minutes}."));
    Step::ToDo(match href {
        Some(href) => task.href(href),
        None => task,
    })
}

fn holds(desk: &Desk, role: Role) -> bool {
    desk.people
        .iter()
        .any(|p| p.role == role && p.locked_at.is_none())
}

fn admin_step(desk: &Desk) -> Step {
    step(
        holds(desk, Role::Admin),
        "Create the admin",
        "Somebody looks after people and the server. Whoever set the server up has the link: it was printed when this node was made.",
        "2 minutes",
        None,
    )
}

fn lep_step(desk: &Desk, person: &SignedIn) -> Step {
    let is_admin = person.is_any(&["admin"]);
    match &desk.lep {
        Some(lep) => {
            let done = Task::done(format!("Choose the LEP: {lep}"));
            Step::Done(match is_admin && desk.may_choose {
                true => done.href(super::lep::PATH),
                false => done,
            })
        }
        None => step(
            false,
            "Choose the LEP",
            "It decides which districts\u{2019} learners count here, and its name stands on everything that is published. An admin chooses it.",
            "1 minute",
            is_admin.then_some(super::lep::PATH),
        ),
    }
}

fn people_step(desk: &Desk, person: &SignedIn) -> Step {
    step(
        holds(desk, Role::Coordinator) && holds(desk, Role::Approver),
        "Add a coordinator and an approver",
        "One prepares what leaves and another one approves it, so that nobody decides alone. An admin adds them.",
        "5 minutes",
        (person.is_any(&["admin"])).then_some("/people/new"),
    )
}

fn data_step(desk: &Desk, person: &SignedIn) -> Step {
    const OWN: &str = "They stay on this server; only protected counts ever leave it. A coordinator does it, programmes before learners; the page says which columns a file needs.";
    const FILES: &str = "10 minutes with the files at hand";
    let (title, why, minutes) = match (desk.programmes, desk.enrolments()) {
        _ if desk.sample => (
            "Import your own programmes and learners",
            "The made-up records go first: the button stands on this page. Yours stay on this server; only protected counts ever leave it.",
            FILES,
        ),
        (0, 0) if desk.enrolment.is_none() => (
            "Bring in made-up records, or import your own programmes",
            OWN,
            "10 minutes with the files at hand, or 1 minute with made-up records",
        ),
        (0, _) => ("Import programmes", OWN, FILES),
        (_, 0) => ("Import learners", OWN, FILES),
        _ => ("Import programmes and learners", OWN, FILES),
    };
    step(
        desk.enrolments() > 0 && !desk.sample,
        title,
        why,
        minutes,
        (person.is_any(&["coordinator"])).then_some("/import"),
    )
}

fn preview_step(desk: &Desk, person: &SignedIn) -> Step {
    step(
        desk.tried || !desk.releases.is_empty(),
        "Preview a release",
        "It shows what a month would publish and which rules protect people in it, before anything is drawn, spent or sent. Made-up records will do. A coordinator or an approver looks.",
        "5 minutes",
        (person.is_any(&["coordinator", "approver"])).then_some(super::preview::PATH),
    )
}

fn enrol_step(desk: &Desk) -> Step {
    const TITLE: &str = "Enrol this node with the national log";
    match &desk.enrolment {
        Some(enrolment) if enrolment.active => Step::Done(Task::done(TITLE)),
        Some(_) => step(
            false,
            "Read the key\u{2019}s fingerprint to the national operator",
            "By telephone, so that nobody else can publish under your name. The operator approves when both read the same.",
            "5 minutes",
            Some(federation::PATH),
        ),
        None => step(
            false,
            TITLE,
            "From then on approved figures reach the log. An admin asks the national operator for an invite, which is a file, and uses it here.",
            "20 minutes, with a telephone call",
            Some(federation::PATH),
        ),
    }
}

/// What waits for somebody; `None` when nothing does.
pub(super) fn tasks(desk: &Desk, person: &SignedIn) -> Option<TaskList> {
    let theirs = person.is_any(super::READ);
    let tasks: Vec<Task> = release_task(desk, person)
        .into_iter()
        .chain(questionnaires::tasks(
            &desk.questionnaires,
            person,
            desk.today,
        ))
        .chain(needs::task(desk.needs.as_ref(), person))
        .chain(practice_task(desk, person))
        .filter(|_| theirs)
        .chain(delivery_task(desk))
        .chain(revoked_task(desk))
        .collect();
    if tasks.is_empty() {
        return None;
    }
    let list = TaskList::new("next");
    Some(tasks.into_iter().fold(list, TaskList::task))
}

fn release_task(desk: &Desk, person: &SignedIn) -> Option<Task> {
    if let Some(open) = desk.releases.iter().find(|r| r.approved.is_none()) {
        let month = open.period.in_words();
        let yours = person.role.as_str() == Role::Approver.as_str()
            && !same_person(&person.name, &open.author);
        let title = if yours {
            format!("Read and approve {month}")
        } else {
            format!("{month} is waiting for an approver")
        };
        let who = approvers(desk, &open.author);
        return Some(
            Task::new(title, tag("Waiting", TagColour::Yellow))
                .hint(format!(
                    "Prepared by {} on {}. {who}",
                    words::author(&open.author),
                    words::second(open.prepared_at)
                ))
                .href(format!("/releases/{}", open.period)),
        );
    }
    let Some((period, ended)) = desk.next else {
        return (desk.enrolments() > 0 && !desk.sample).then(first_month);
    };
    let month = period.in_words();
    if ended {
        return Some(
            Task::new(
                format!("Prepare the release of {month}"),
                tag("To do", TagColour::Blue),
            )
            .hint("A coordinator, or the timetable. Nothing leaves before an approver agrees")
            .href("/releases"),
        );
    }
    let from = period
        .next()
        .map_or_else(String::new, |n| words::day(n.first_day()));
    Some(
        Task::new(
            format!("{month} can be prepared from {from}"),
            tag("Not yet", TagColour::Grey),
        )
        .hint("A month is released after it has ended"),
    )
}

/// Before the first release; the timetable does nothing until it is done.
fn first_month() -> Task {
    Task::new(
        "Choose the month in which the published figures begin",
        tag("To do", TagColour::Blue),
    )
    .hint("A coordinator, once. It is public and stays")
    .href("/releases")
}

/// Who may approve what `author` prepared.
fn approvers(desk: &Desk, author: &str) -> String {
    let names: Vec<&str> = desk
        .people
        .iter()
        .filter(|p| p.role == Role::Approver && !same_person(&p.name, author))
        .map(|p| p.name.as_str())
        .collect();
    match names.as_slice() {
        [] => "Nobody may approve it yet: the IT team has to add an approver".to_owned(),
        names => format!("Who may approve: {}", names.join(", ")),
    }
}

fn practice_task(desk: &Desk, person: &SignedIn) -> Option<Task> {
    let drafts: Vec<&StoredEntry> = desk.practice.iter().filter(|e| e.seq.is_none()).collect();
    let first = drafts.first()?;
    let title = match drafts.len() {
        1 => format!(
            "Practice entry \u{201c}{}\u{201d} is waiting for an approver",
            first.entry.title
        ),
        n => format!("{n} practice entries are waiting for an approver"),
    };
    let href = if drafts.len() == 1 {
        format!("/practice/{}", first.id)
    } else {
        "/practice".to_owned()
    };
    let hint = if person.role.as_str() == Role::Approver.as_str() {
        "You may release what you did not write"
    } else {
        "An approver reads and releases it"
    };
    Some(
        Task::new(title, tag("Waiting", TagColour::Yellow))
            .hint(hint)
            .href(href),
    )
}

/// The log takes nothing from here any more: whoever is signed in may be the first to notice.
fn revoked_task(desk: &Desk) -> Option<Task> {
    let from = desk.enrolment.as_ref()?.revoked_from?;
    let title = "Telephone the national operator: this node\u{2019}s key was revoked";
    Some(
        Task::new(title, tag("Revoked", TagColour::Red)).hint(format!(
            "From place {} of the log on nothing that this node signs is taken, and nothing more can be approved here. What was published before stays. The page Keys of the national site says when and why",
            words::count(from)
        )),
    )
}

fn delivery_task(desk: &Desk) -> Option<Task> {
    let waiting: Vec<&StatementRow> = desk
        .statements
        .iter()
        .filter(|s| s.acknowledged_at.is_none())
        .collect();
    let oldest = waiting.last()?;
    let queued = words::some(waiting.len(), "statement", "statements");
    let title = format!("{queued} waiting to be delivered to the national log");
    let since = words::second(oldest.queued_at);
    let (colour, hint) = match &oldest.problem {
        None => (
            TagColour::Blue,
            format!("Queued since {since}. Nobody needs to do anything"),
        ),
        Some(problem) => (
            TagColour::Red,
            format!(
                "Queued since {since}, tried {} times, next try {}. {}",
                oldest.attempts,
                words::second(oldest.next_attempt_at),
                words::sentence(problem)
            ),
        ),
    };
    let state = if oldest.problem.is_some() {
        "Delayed"
    } else {
        "On its way"
    };
    Some(Task::new(title, tag(state, colour)).hint(hint))
}
