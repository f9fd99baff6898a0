//! What the pages of demand say besides its columns.

use ldsp_ui::components::{InsetText, link, list};
use ldsp_ui::{Html, ProblemPage, SignedIn};

use super::super::{Pages, words};
use super::Shown;
use super::form::Part;
use crate::import::london_day;
use crate::store::demand::Demand;
use crate::store::gathering::GatheringTask;
use crate::store::kept::{Known, Stored};
use crate::store::terms::Term;

impl Shown for Demand {
    const PATH: &'static str = "/demand";
    const ONE: &'static str = "need";
    const A: &'static str = "a need";
    const MANY: &'static str = "Demand";
    const ABOUT: &'static str = "What people, employers, charities and public bodies here say that they need: of a survey, a panel\u{2019}s minutes, vacancies, a workshop, applications. People who were asked are not learners here: nothing in this list is of a learner\u{2019}s record. Numbers are exact and stay at this node.";
    const EMPTY: &'static str = "Nothing is recorded yet. Add what a panel or a workshop said with the form, one need at a time; bring the rows of a survey in as a file under Import; and let the words of vacancies be looked for under Vacancies.";
    const PARTS: &'static [Part] = &[
        Part {
            title: "Who asks, and for what?",
            columns: &["asks", "organisation", "skill", "tier", "audience"],
        },
        Part {
            title: "How many, where and when?",
            columns: &["number", "counts", "area", "from", "until"],
        },
        Part {
            title: "How was it learnt?",
            columns: &["how", "sure", "by", "holds_until"],
        },
        Part {
            title: "Is there more to say?",
            columns: &["reference", "note"],
        },
    ];

    async fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let mut pieces = Vec::new();
        if !stored.it.holds(london_day((pages.clock)())) {
            pieces.push(Html::from(InsetText::new(
                "Its last day is over, so the summary leaves it out. Change that day if it still holds.",
            )));
        }
        if stored.it.number.is_none() {
            pieces.push(Html::paragraph(
                "Its source suppressed the number. That says neither that nobody asks nor how many do, and it is added to nothing.",
            ));
        }
        if let Some(import) = stored.it.import {
            pieces.push(Html::concat([
                Html::literal("<p class=\"govuk-body\">It came with a file: "),
                link(
                    &format!("import {import}"),
                    &format!("/demand/imports/{import}"),
                ),
                Html::literal(".</p>"),
            ]));
        }
        Ok(Html::concat(pieces))
    }

    async fn below(
        pages: &Pages,
        found: &[Stored<Self>],
        _: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let mut pieces = Vec::new();
        let today = london_day((pages.clock)());
        let over = found.iter().filter(|row| !row.it.holds(today)).count();
        if over > 0 {
            pieces.push(Html::paragraph(&format!(
                "The last day of {} of these is over: look at them again.",
                words::count(over as u64)
            )));
        }
        pieces.push(list(
            super::super::demand::ways(person)
                .into_iter()
                .map(|(text, href)| link(text, href)),
        ));
        Ok(Html::concat(pieces))
    }
}

impl Shown for GatheringTask {
    const PATH: &'static str = "/gathering-tasks";
    const ONE: &'static str = "gathering task";
    const A: &'static str = "a gathering task";
    const MANY: &'static str = "Gathering tasks";
    const ABOUT: &'static str = "Who is to bring what is not known yet of a skill in an area, and by when. One that is done gets its day; the next one is another row.";
    const EMPTY: &'static str = "Nobody is to bring anything yet. The gathering board shows what is missing, and each of its places leads to this form.";

    async fn more(
        _: &Pages,
        stored: &Stored<Self>,
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let it = &stored.it;
        let place = super::super::gathering::address(it.skill, it.district.as_ref());
        Ok(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("What is known there now", &place),
            Html::literal("</p>"),
        ]))
    }

    async fn below(
        _: &Pages,
        _: &[Stored<Self>],
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        Ok(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("The gathering board", super::super::gathering::PATH),
            Html::literal("</p>"),
        ]))
    }
}

impl Shown for Term {
    const PATH: &'static str = "/demand/words";
    const ONE: &'static str = "word";
    const A: &'static str = "a word";
    const MANY: &'static str = "Words for vacancies";
    const ABOUT: &'static str = "The words by which digital skills are found in vacancies. A word that also means other things weighs less; what weighs under 50 counts only together with another word of the same skill. To stop looking for one, give it the weight 0.";
    const EMPTY: &'static str = "There is no word: nothing is found in vacancies.";

    async fn below(
        _: &Pages,
        _: &[Stored<Self>],
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        Ok(Html::paragraph(
            "What was found in files before a change stays as it was found.",
        ))
    }
}
