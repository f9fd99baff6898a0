//! Why a feed is not read on. Each has its code, what happened, and what to do.

macro_rules! refusals {
    ($($name:ident = $code:literal, $cause:literal, $next:literal;)+) => {
        /// Why a feed is not read on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Refusal { $($name),+ }

        impl Refusal {
            /// Every one.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Stable name.
            pub(crate) fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What happened.
            pub(crate) fn cause(self) -> &'static str {
                match self { $(Self::$name => $cause),+ }
            }

            /// What to do.
            pub(crate) fn next(self) -> &'static str {
                match self { $(Self::$name => $next),+ }
            }
        }
    };
}

refusals! {
    Address = "feed-address", "This is not the address of a feed.",
        "Give the address that comes before /services, beginning with https:// and without a name, a password, ? or #.";
    Private = "feed-private", "The address leads into a private network or to this machine itself.",
        "Give the address of a feed in the public internet. For a feed of your own network the IT team names its host in the configuration: feed_hosts.";
    Redirect = "feed-redirect", "The server sent us on to another one.",
        "Ask who runs the feed for its address now, and give that.";
    Large = "feed-large", "An answer is larger than any page of a feed has to be, so it was not read to its end.",
        "Ask who runs the feed: a page may have 4 MiB, one service 1 MiB.";
    Json = "feed-json", "An answer is not JSON, or lies too deep in itself.",
        "Open the address with /services behind it in a browser. If it shows no JSON, the address is another one; else tell who runs the feed.";
    Schema = "feed-schema", "An answer is not a page of Open Referral UK 3.0: members are missing or of another type.",
        "The feed may have changed, or speak another version. Ask who runs it whether it is version 3.0.";
    Wrong = "feed-page", "We asked for one page and were given another one.",
        "Tell who runs the feed: its page_number is not the page that was asked for.";
    Loop = "feed-loop", "A page gave again what earlier pages had given, and nothing new: the pages go round in circles.",
        "Tell who runs the feed. What came before the circle is stored.";
    Endless = "feed-endless", "The feed has no end: it says again and again that there are more pages, or has more than 2,000 pages or 20,000 services.",
        "Ask for a part of it by a taxonomy term, or tell who runs the feed. What came so far is stored.";
    Identifiers = "feed-identifiers", "No service on a page has an identifier in the form of a UUID.",
        "Tell who runs the feed: Open Referral UK 3.0 asks for one.";
    Robots = "feed-robots", "The server's robots.txt asks programs not to read the feed.",
        "Ask who runs the feed to allow it, or for a file of the services.";
    Denied = "feed-denied", "The server refuses to give the feed to us.",
        "Check the address. If it is right, ask who runs the feed whether it is open to everybody.";
    Unreachable = "feed-unreachable", "The server did not answer as it should, several times in a row.",
        "Try again later: the pull goes on where it ended.";
}

impl Refusal {
    /// The one with this code.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|refusal| refusal.code() == code)
    }

    /// Whether the same may work later, from where it ended.
    pub(crate) fn passes(self) -> bool {
        self == Self::Unreachable
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.cause())
    }
}
