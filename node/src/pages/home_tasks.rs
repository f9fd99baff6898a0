//! What is next and who must do it.

use ldsp_ui::SignedIn;
use ldsp_ui::components::{TagColour, Task, TaskList};

use super::home::{Desk, tag};
use super::words;
use crate::store::overview::StatementRow;
use crate::store::people::{Role, same_person};
use crate::store::practice::StoredEntry;

pub(super) fn tasks(desk: &Desk, person: &SignedIn) -> TaskList {
    let mut list = TaskList::new("next");
    for task in set_up(desk)
        .into_iter()
        .chain(release_task(desk, person))
        .chain(practice_task(desk, person))
        .chain(delivery_task(desk))
    {
        list = list.task(task);
    }
    list
}

fn set_up(desk: &Desk) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (role, what) in [
        (Role::Coordinator, "a coordinator"),
        (Role::Approver, "an approver"),
    ] {
        if !desk.people.iter().any(|p| p.role == role) {
            tasks.push(
                Task::new(format!("Add {what}"), tag("To do", TagColour::Yellow)).hint(format!(
                    "The IT team: ldsp-node people add NAME --role {}",
                    role.as_str()
                )),
            );
        }
    }
    match &desk.enrolment {
        None => tasks.push(
            Task::new("Enrol this node with the national log", tag("To do", TagColour::Yellow))
                .hint("The IT team: ask the national operator for an invite, then ldsp-node enrol --invite FILE"),
        ),
        Some(enrolment) if !enrolment.active => tasks.push(
            Task::new("Read the key\u{2019}s fingerprint to the national operator", tag("Waiting", TagColour::Yellow))
                .hint("Anybody, by telephone: it stands at the foot of this page. The operator approves when both read the same")
                .href("#federation"),
        ),
        Some(_) => {}
    }
    if desk.programmes == 0 {
        tasks.push(
            Task::new("Import programmes", tag("To do", TagColour::Yellow))
                .hint("A coordinator, before learners")
                .href("/import"),
        );
    } else if desk.enrolments() == 0 {
        tasks.push(
            Task::new("Import learners", tag("To do", TagColour::Yellow))
                .hint("A coordinator")
                .href("/import"),
        );
    }
    tasks
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
        return (desk.enrolments() > 0).then(first_month);
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
