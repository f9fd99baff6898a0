//! Closed lists of a practice entry.

use serde::{Deserialize, Serialize};

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $id:literal, $title:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "titles are given by `in_words`")]
        pub enum $name { $(#[serde(rename = $id)] $variant,)+ }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::openapi::choice(&[$(($id, $title),)+])
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Every value, in the order in which people should read them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Stable id.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// For people.
            #[must_use]
            pub fn in_words(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// The value with this id.
            #[must_use]
            pub fn parse(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.id() == id)
            }
        }
    };
}

choice!(
    /// What the authors conclude.
    Verdict {
        Worked = "worked", "Worked";
        Mixed = "mixed", "Mixed";
        Failed = "failed", "Failed";
        TooEarly = "too-early", "Too early to say";
    }
);
choice!(
    /// Taxonomy of causes, the same for success and failure.
    Factor {
        Recruitment = "recruitment", "Recruitment";
        Retention = "retention", "Retention";
        Content = "content", "Content";
        DeliveryMode = "delivery-mode", "Delivery mode";
        Timing = "timing", "Timing";
        Staff = "staff", "Staff";
        Partners = "partners", "Partners";
        Technology = "technology", "Technology";
        Cost = "cost", "Cost";
        Measurement = "measurement", "Measurement";
        Context = "context", "Context";
    }
);
choice!(
    /// Which way a cause pulled.
    Direction {
        WorkedBecause = "worked-because", "Worked because";
        FailedBecause = "failed-because", "Failed because";
    }
);
choice!(
    /// Whether the authors would do it again.
    Again {
        Yes = "yes", "Yes";
        YesChanged = "yes-changed", "Yes, changed";
        No = "no", "No";
    }
);
choice!(
    /// Whole cost of the activity.
    CostBand {
        Under1k = "under-1k", "Under £1,000";
        To10k = "1k-10k", "£1,000 to £10,000";
        To50k = "10k-50k", "£10,000 to £50,000";
        To250k = "50k-250k", "£50,000 to £250,000";
        Over250k = "over-250k", "Over £250,000";
        NotKnown = "not-known", "Not known";
    }
);
choice!(
    /// Kind of place that an area is like.
    Setting {
        Urban = "urban", "urban";
        Rural = "rural", "rural";
        Mixed = "mixed", "urban and rural";
        Coastal = "coastal", "coastal";
    }
);
choice!(
    /// Size of an area by residents aged 16 to 64.
    SizeBand {
        Small = "small", "under 500,000 of working age";
        Medium = "medium", "500,000 to 1 million of working age";
        Large = "large", "over 1 million of working age";
    }
);
choice!(
    /// Strength of evidence: how the comparison was made.
    Design {
        None = "none", "No comparison";
        BeforeAfter = "before-after", "Before and after";
        ComparisonGroup = "comparison-group", "Comparison group";
        Matched = "matched", "Matched comparison";
        Randomised = "randomised", "Randomised";
    }
);
choice!(
    /// Strength of evidence: how many people took part.
    Participants {
        Under30 = "under-30", "Under 30 people";
        To100 = "30-100", "30 to 100 people";
        To500 = "101-500", "101 to 500 people";
        Over500 = "over-500", "Over 500 people";
    }
);
choice!(
    /// Strength of evidence: how many dropped out of the measurement.
    Attrition {
        Low = "low", "Under 10 % lost";
        Medium = "medium", "10 to 30 % lost";
        High = "high", "Over 30 % lost";
        NotKnown = "not-known", "Not known";
    }
);
choice!(
    /// Strength of evidence: how long people were followed.
    FollowUp {
        None = "none", "No follow-up";
        Months3 = "3-months", "3 months";
        Months6 = "6-months", "6 months";
        Months12 = "12-months", "12 months or more";
    }
);
