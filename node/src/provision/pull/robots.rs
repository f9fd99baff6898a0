//! What a server's robots.txt says to us (RFC 9309), and how long it asks to wait between requests.

use serde::{Deserialize, Serialize};

/// What we are called there: the product of [`crate::SOFTWARE`].
const AGENT: &str = "ldsp-node";
/// Longest pause that is kept, in seconds.
const LONGEST: u32 = 60;

/// Rules for us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Robots {
    /// Whether what matches is allowed, and the pattern.
    rules: Vec<(bool, String)>,
    /// Seconds between requests that it asks for.
    pub(crate) delay: Option<u32>,
}

/// Lines that hold for the same programs.
#[derive(Default)]
struct Group {
    agents: Vec<String>,
    found: Robots,
}

impl Robots {
    /// Reads the file; what is no rule is passed over (section 2.2). Groups for us are taken together, else those for all.
    pub(crate) fn read(text: &str) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut in_rules = true;
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if name == "user-agent" {
                if in_rules {
                    groups.push(Group::default());
                    in_rules = false;
                }
                if let Some(group) = groups.last_mut() {
                    group.agents.push(value.to_ascii_lowercase());
                }
                continue;
            }
            let Some(group) = groups.last_mut() else {
                continue;
            };
            in_rules |= ["allow", "disallow", "crawl-delay"].contains(&name.as_str());
            match name.as_str() {
                "allow" | "disallow" if !value.is_empty() => {
                    group.found.rules.push((name == "allow", value.to_owned()));
                }
                "crawl-delay" => {
                    let asked: Option<f64> = value.parse().ok();
                    let seconds = asked.filter(|s| (0.0..=f64::from(LONGEST)).contains(s));
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "it lies from 0 to 60"
                    )]
                    let seconds = seconds.map(|s| s.ceil() as u32);
                    group.found.delay = asked.map(|_| seconds.unwrap_or(LONGEST));
                }
                _ => {}
            }
        }
        let of = |agent: &str| {
            let own = groups
                .iter()
                .filter(|g| g.agents.iter().any(|a| a == agent));
            own.fold(None, |all: Option<Self>, group| {
                let mut all = all.unwrap_or_default();
                all.rules.extend(group.found.rules.iter().cloned());
                all.delay = all.delay.max(group.found.delay);
                Some(all)
            })
        };
        of(AGENT).or_else(|| of("*")).unwrap_or_default()
    }

    /// Whether a path with its query may be asked for: the longest pattern that matches decides, and of two alike the one that allows
    /// (section 2.2.2).
    pub(crate) fn allows(&self, path: &str) -> bool {
        let matching = self
            .rules
            .iter()
            .filter(|(_, pattern)| matches(pattern, path));
        let best = matching.max_by_key(|(allows, pattern)| (pattern.len(), *allows));
        best.is_none_or(|(allows, _)| *allows)
    }
}

/// Whether a pattern with `*` and a last `$` matches the beginning of a path.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, to_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        if to_end && at + 1 == parts.len() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    !to_end || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_for_us_decides() {
        let text = "User-agent: *\nDisallow: /\n\n# ours\nuser-agent: other\nUser-Agent: LDSP-Node\nDisallow: /services # not these\n\
            Allow: /services?page=\nCrawl-delay: 2.5\nSitemap: https://x.example/map\n";
        let robots = Robots::read(text);
        assert_eq!(robots.delay, Some(3));
        for (path, allowed) in [
            ("/services?page=1", true),
            ("/services/5f0d8f7e", false),
            ("/robots.txt", true),
            ("/other", true),
        ] {
            assert_eq!(robots.allows(path), allowed, "{path}");
        }
        assert!(!Robots::read("User-agent: *\nDisallow: /api").allows("/api/services"));
        assert!(Robots::read("User-agent: *\nDisallow:").allows("/api"));
        assert!(
            Robots::read("Disallow: /\n<html>").allows("/"),
            "a rule of no group is none"
        );
        assert!(Robots::read("User-agent: bad\nDisallow: /").allows("/"));
        assert_eq!(
            Robots::read("User-agent: *\nCrawl-delay: 9999").delay,
            Some(60)
        );
    }

    #[test]
    fn patterns_know_stars_and_ends() {
        for (pattern, path, does) in [
            ("/a", "/abc", true),
            ("/a$", "/abc", false),
            ("/a$", "/a", true),
            ("/*/services", "/v3/services/1", true),
            ("/*.json$", "/x.json", true),
            ("/*.json$", "/x.json?y", false),
            ("*", "/", true),
            ("/a*b*c", "/axxbyyc", true),
            ("/a*b*c", "/axxcyyb", false),
        ] {
            assert_eq!(matches(pattern, path), does, "{pattern} {path}");
        }
        // Two rules alike: the one that allows.
        assert!(Robots::read("User-agent: *\nDisallow: /x\nAllow: /x").allows("/x"));
    }

    proptest::proptest! {
        #[test]
        fn no_file_breaks_the_reader(text in ".{0,400}", path in ".{0,60}") {
            let _said = Robots::read(&text).allows(&path);
        }
    }
}
