//! Failures that were counted.

use super::*;

fn minute(n: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(n)
}

fn ip(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, last]))
}

fn of(name: &str, address: Option<IpAddr>) -> Caller<'_> {
    Caller {
        name,
        address,
        browser: None,
    }
}

#[test]
fn five_failures_close_a_name_for_a_quarter_of_an_hour() {
    let throttle = Throttle::default();
    let here = of("ada", ip(1));
    for _ in 0..5 {
        assert_eq!(throttle.wait(here, minute(0)), None);
        throttle.attempt(here, minute(0));
    }
    assert_eq!(
        throttle.wait(here, minute(5)),
        Some(SignedDuration::from_mins(10))
    );
    assert_eq!(
        throttle.wait(of("ada", ip(2)), minute(5)),
        None,
        "another address is not locked out"
    );
    assert_eq!(throttle.wait(of("grace", ip(1)), minute(5)), None);
    assert_eq!(throttle.wait(here, minute(15)), None);
    throttle.attempt(here, minute(16));
    assert_eq!(
        throttle.wait(here, minute(16)),
        None,
        "the count starts anew"
    );
}

/// Who looks after people sees it; what only an address did closes nobody's name.
#[test]
fn a_closed_name_is_seen_with_its_times_until_it_is_opened() {
    let throttle = Throttle::default();
    let closed = |name, now| throttle.closed(name, minute(now));
    for n in 0..5 {
        assert_eq!(closed("ada", n), None);
        throttle.attempt(of("ada", ip(1)), minute(n));
    }
    let here = Closed {
        since: minute(0),
        until: minute(15),
        everywhere: false,
    };
    assert_eq!(closed("ada", 4), Some(here));
    assert_eq!(closed("ada", 15), None);
    assert_eq!(closed("grace", 4), None);
    for n in 0..15 {
        throttle.attempt(of("ada", ip(100 + n)), minute(6));
    }
    let seen = closed("ada", 7).unwrap();
    assert!(seen.everywhere && seen.since == minute(0) && seen.until == minute(15));
    throttle.forgive("ada");
    assert_eq!(closed("ada", 7), None);
    let own = Caller {
        browser: Some([1; 32]),
        ..of("ada", ip(1))
    };
    for _ in 0..5 {
        throttle.attempt(own, minute(20));
    }
    assert_eq!(closed("ada", 20).map(|c| c.everywhere), Some(false));
    for n in 0..30 {
        throttle.attempt(of(&format!("name{n}"), ip(9)), minute(40));
    }
    assert_eq!(closed("eve", 40), None);
}

#[test]
fn one_address_cannot_try_many_names() {
    let throttle = Throttle::default();
    for n in 0..30 {
        throttle.attempt(of(&format!("name{n}"), ip(1)), minute(0));
    }
    assert!(throttle.wait(of("ada", ip(1)), minute(0)).is_some());
}

#[test]
fn many_addresses_close_a_name_to_strangers_and_not_to_its_own_browsers() {
    let throttle = Throttle::default();
    for n in 0..20 {
        assert_eq!(throttle.wait(of("ada", ip(n)), minute(0)), None);
        throttle.attempt(of("ada", ip(n)), minute(0));
    }
    let stranger = of("ada", ip(99));
    assert!(throttle.wait(stranger, minute(14)).is_some());
    assert_eq!(throttle.wait_here(stranger, minute(14)), None);
    let own = Caller {
        browser: Some([7; 32]),
        ..stranger
    };
    assert_eq!(throttle.wait(own, minute(14)), None);
    assert_eq!(throttle.wait(stranger, minute(15)), None);
    // Going on for a day closes it for the rest of the day.
    let (mut tried, mut at) = (20, 15);
    while tried < 100 {
        for n in 0..20 {
            throttle.attempt(of("ada", ip(n)), minute(at));
        }
        (tried, at) = (tried + 20, at + 15);
    }
    assert_eq!(throttle.failures_today("ada"), 100);
    assert!(throttle.wait(stranger, minute(23 * 60)).is_some());
    assert_eq!(throttle.wait(own, minute(23 * 60)), None);
    assert_eq!(throttle.wait(stranger, minute(24 * 60)), None);
    // Or until somebody who looks after people opens it.
    for n in 0..20 {
        throttle.attempt(of("ada", ip(n)), minute(at));
    }
    throttle.forgive("ada");
    assert_eq!(throttle.wait(stranger, minute(at)), None);
}

#[test]
fn a_stolen_browser_guesses_no_faster() {
    let throttle = Throttle::default();
    let own = Caller {
        browser: Some([7; 32]),
        ..of("ada", ip(1))
    };
    for _ in 0..5 {
        assert_eq!(throttle.wait(own, minute(0)), None);
        throttle.attempt(own, minute(0));
    }
    assert!(throttle.wait(own, minute(1)).is_some());
    assert_eq!(throttle.wait(of("ada", ip(1)), minute(1)), None);
}

#[test]
fn success_clears_the_count_and_memory_is_bounded() {
    let throttle = Throttle::default();
    let here = of("ada", None);
    for _ in 0..4 {
        throttle.attempt(here, minute(0));
    }
    throttle.succeeded(here);
    throttle.attempt(here, minute(0));
    assert_eq!(throttle.wait(here, minute(0)), None);
    for n in 0..u32::try_from(COUNTERS + 50).unwrap() {
        let address = Some(IpAddr::from(n.to_be_bytes()));
        throttle.attempt(of("x", address), minute(1));
    }
    assert!(throttle.counters().of_addresses.len() <= COUNTERS + 2);
    // What is over is forgotten.
    throttle.attempt(here, minute(24 * 60 + 1));
    let counters = throttle.counters();
    assert_eq!((counters.of_addresses.len(), counters.others.len()), (2, 2));
}

/// Somebody with a /48 of addresses cannot wash a name's counters away, and closes nobody else's name by trying.
#[test]
fn a_flood_of_made_up_names_makes_no_name_forgotten() {
    let throttle = Throttle::default();
    let from = |n: u32| {
        let net = (0x2001_0db8_u128 << 96) | (u128::from(n) << 64);
        Some(IpAddr::from(net.to_be_bytes()))
    };
    for n in 0..20 {
        throttle.attempt(of("ada", from(n)), minute(0));
    }
    for n in 0..30_000 {
        throttle.attempt(of(&format!("nobody {n}"), from(n)), minute(1));
    }
    let stranger = from(40_000);
    assert!(throttle.wait(of("ada", stranger), minute(2)).is_some());
    assert!(throttle.failures_today("ada") >= 20);
    assert_eq!(throttle.wait(of("grace", stranger), minute(2)), None);
    assert!(throttle.counters().of_addresses.len() <= COUNTERS + 2);
}

#[test]
fn an_attempt_that_nobody_judged_is_taken_back_alone() {
    let throttle = Throttle::default();
    let here = of("ada", ip(1));
    for _ in 0..4 {
        throttle.attempt(here, minute(0));
    }
    for _ in 0..9 {
        throttle.attempt(here, minute(0));
        throttle.take_back(here);
    }
    assert_eq!(throttle.wait(here, minute(0)), None);
    throttle.attempt(here, minute(0));
    assert!(throttle.wait(here, minute(0)).is_some());
}
