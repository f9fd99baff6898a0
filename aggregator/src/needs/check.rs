//! What is checked of needs that a node sends, beside what their own rules say.

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::Standard;

use super::Said;

impl Said<'_> {
    /// Checks what a node of `lep` publishes under `standard`; `last` is the day of its last statement of the kind, `today` London's.
    ///
    /// # Errors
    /// What does not hold, for people.
    pub fn check(
        &self,
        lep: &Gss,
        standard: &Standard,
        last: Option<Date>,
        today: Date,
    ) -> Result<(), String> {
        if self.lep() != lep {
            return Err(format!(
                "They are those of {}, and the node is of {lep}.",
                self.lep()
            ));
        }
        let day = self.day();
        // Clocks differ, and so does the day around midnight.
        if today.tomorrow().is_ok_and(|tomorrow| day > tomorrow) {
            return Err(format!(
                "They are of {day}, and here it is {today}: look at the node's clock."
            ));
        }
        if let Some(last) = last.filter(|last| day < *last) {
            return Err(format!(
                "They are of {day}, and the node's last ones of {last}."
            ));
        }
        let checked = match self {
            Self::Demand(it) => it.check(standard),
            Self::Provision(it) => it.check(standard),
        };
        checked.map_err(|e| format!("Rule: {e}."))
    }
}
