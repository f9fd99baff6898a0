//! `privacy` and `ledger`: what the releases have cost, whether the ledger is whole, and a second epoch.

use jiff::Timestamp;
use ldsp_protocol::accountant::Rho;
use serde_json::json;

use super::cli::Ledger;
use super::output::{Answer, Output, Refusal};
use super::release::{refresh, sign_in};
use super::{Context, open};
use crate::account::{Spent, Standing, standing};
use crate::epoch::{self, EpochError};
use crate::home::Node;
use crate::recover;
use crate::store::ledger::epochs::Second;
use crate::store::{StoreError, enrolment};
use crate::transport::Https;

impl From<EpochError> for Refusal {
    fn from(error: EpochError) -> Self {
        Self::new(&error, error.next())
    }
}

pub(super) async fn privacy(context: &Context) -> Answer {
    let node = open(context).await?;
    let stands = standing(&node.store, context.config.rho_micro).await;
    node.store.close().await;
    let (stands, second) = stands?;
    Ok(Output {
        text: account(&stands, second.as_ref()),
        json: json!(stands),
    })
}

fn rho(micro: u64) -> String {
    Rho::from_micro(micro).to_string()
}

/// The budget of new enrolments and of those that are counted under earlier standards.
fn account(stands: &Standing, second: Option<&Second>) -> String {
    let mut text = in_words(stands, second);
    for earlier in &stands.earlier {
        text.push_str("\nEnrolments that are counted under an earlier standard, and not under the present one:\n\n");
        text.push_str(&in_words(earlier, second));
    }
    match &stands.turn {
        Some(turn) => text + &format!("\n{turn}\n"),
        None => text,
    }
}

fn in_words(stands: &Standing, second: Option<&Second>) -> String {
    let second = second.filter(|_| stands.epoch > 1);
    let mut text = format!(
        "Privacy budget (zCDP rho) under {}, epoch {} of at most 2, {} of {} months published.\n",
        stands.standard, stands.epoch, stands.months, stands.horizon
    );
    if let Some(Second {
        after,
        reason,
        confirmed: Some((by, _)),
        asked,
    }) = second
    {
        text.push_str(&format!(
            "The ledger was lost after {}: asked for by {}, confirmed by {by}. Reason: {reason}\n",
            after.in_words(),
            asked.0
        ));
    }
    text.push_str(&format!(
        "\n{:<42} {:>9} {:>9} {:>9} {:>9}\n",
        "", "so far", "in all", "at most", "promised"
    ));
    let mut line = |what: &str, spent: Spent| {
        text.push_str(&format!(
            "{what:<42} {:>9} {:>9} {:>9} {:>9}\n",
            rho(spent.so_far_micro),
            rho(spent.whole_micro),
            rho(spent.most_micro),
            rho(spent.limit_micro)
        ));
    };
    line("One enrolment, all tables", stands.enrolment);
    for attribute in &stands.attributes {
        line(
            &format!("{}, between two values", attribute.title),
            attribute.spent,
        );
    }
    text.push_str(&format!(
        "\nat most: with the dearest correction that may be published{}.\n\
         Held back for tables added later: {}. One learner, at most {} enrolments: {}.\n\n\
         What the best attacker gains at worst, who knows everything else:\n{:<42} {:>9} {:>9} {:>9}\n",
        if stands.allows_corrections {
            ""
        } else {
            "; this budget has room for none"
        },
        rho(stands.reserve_micro),
        stands.per_learner,
        rho(stands.learner_micro),
        "",
        "right",
        "tenfold",
        "epsilon",
    ));
    for meaning in &stands.meanings {
        let of = match meaning.of {
            "attribute" => "a sensitive fact of one enrolment",
            "enrolment" => "whether one enrolment is counted",
            _ => "whether one learner is counted",
        };
        text.push_str(&format!(
            "{of:<42} {:>8.1}% {:>8.2}% {:>9.2}\n",
            100.0 * meaning.right_guess,
            100.0 * meaning.tenfold,
            meaning.epsilon
        ));
    }
    text.push_str(
        "\nright: guesses between two equally likely possibilities (50% is chance). tenfold: cases in which the truth becomes ten times likelier.\n\
         epsilon: of (epsilon, delta)-differential privacy at delta = 10^-6.\n",
    );
    text
}

/// What the log holds of this node beyond its database is taken back, so that the two agree where the sequence ends.
async fn take_back(node: &Node, who: &str, now: Timestamp) -> Result<usize, Refusal> {
    let mut connection = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let place = enrolment::read(&mut connection).await?;
    drop(connection);
    let Some(place) = place else { return Ok(0) };
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    let taken = recover::take_back(&node.store, &transport, &node.signing, who, now).await;
    taken.map_err(|error| Refusal::new(&error, error.next()))
}

async fn new_epoch(node: &Node, name: &str, reason: &str, now: Timestamp) -> Answer {
    let person = sign_in(&node.store, name).await?;
    refresh(&node.store, now).await?;
    let taken = take_back(node, &person.name, now).await?;
    let asked = epoch::ask(&node.store, &person.name, reason, now).await;
    if let (Err(EpochError::Whole), 1..) = (&asked, taken) {
        return Ok(Output {
            text: format!(
                "Taken back from the log: {taken} statements. With them the ledger is whole: no second epoch is needed, and none was asked for.\nNext: releases go on as before; back up the data directory now."
            ),
            json: json!({"taken_back": taken, "whole": true}),
        });
    }
    let second = asked?;
    let back = match taken {
        0 => String::new(),
        taken => format!(
            "Taken back from the log: {taken} statements, with months that no ledger here knows.\n"
        ),
    };
    Ok(Output {
        text: format!(
            "{back}A second epoch is asked for, to begin after {}. A later month that was drawn and not published is counted again in it. It would cost every enrolment another privacy budget, is said beside every figure, and there is no third.\n\
             Next: an approver who is not {} runs `ldsp-node ledger confirm-epoch --as NAME`.",
            second.after.in_words(),
            person.name,
        ),
        json: json!({"after": second.after, "asked_by": person.name, "taken_back": taken}),
    })
}

pub(super) async fn run(command: Ledger, context: &Context) -> Answer {
    let node = open(context).await?;
    let store = &node.store;
    let now = (context.clock)();
    let answer = match command {
        Ledger::Check => {
            let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
            let found = epoch::check(&mut connection).await?;
            drop(connection);
            match found {
                Ok(months) => Ok(Output {
                    text: format!(
                        "The ledger is whole: {months} months of the present epoch, every digest as it was written."
                    ),
                    json: json!({"whole": true, "months": months}),
                }),
                Err(lost) => Err(Refusal::new(
                    format!("the ledger cannot be gone on from: {lost}"),
                    "Restore the newest backup of the data directory. If there is none, two people can begin a second epoch: `ldsp-node ledger new-epoch`.",
                )),
            }
        }
        Ledger::NewEpoch { name, reason } => new_epoch(&node, &name, &reason, now).await,
        Ledger::ConfirmEpoch { name } => {
            let person = sign_in(store, &name).await?;
            refresh(store, now).await?;
            let second = epoch::confirm(store, &person.name, now).await?;
            Ok(Output {
                text: format!(
                    "The second epoch has begun: the next release is for the month after {}.\n\
                     Next: back up the data directory now and after every release. A ledger that is lost again ends this node\u{2019}s publishing.",
                    second.after.in_words()
                ),
                json: json!({"epoch": 2, "after": second.after, "confirmed_by": person.name}),
            })
        }
    };
    node.store.close().await;
    answer
}
