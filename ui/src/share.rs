//! Shares of what a server has, so that nobody takes all of it: so much for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At this many addresses those whose share nobody holds are forgotten.
const ADDRESSES: usize = 1024;

/// One subscriber of IPv6 has a /64 of addresses to choose from, so those count as one.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
        },
    }
}

/// The share of each address that holds something.
#[derive(Debug)]
pub(crate) struct Shares {
    of_one: usize,
    held: Mutex<HashMap<Option<IpAddr>, Weak<Semaphore>>>,
}

impl Shares {
    /// `of_one` at most for each address; those whose address is not known have one share together.
    pub(crate) fn new(of_one: usize) -> Self {
        Self {
            of_one,
            held: Mutex::default(),
        }
    }

    pub(crate) fn of(&self, address: Option<IpAddr>) -> Arc<Semaphore> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= ADDRESSES {
            held.retain(|_, share| share.strong_count() > 0);
        }
        let known = held.entry(address.map(subscriber)).or_default();
        known.upgrade().unwrap_or_else(|| {
            let share = Arc::new(Semaphore::new(self.of_one));
            *known = Arc::downgrade(&share);
            share
        })
    }
}

/// Turns at work that takes much memory: so many at once, and so many for one address. Who comes too many waits, first come
/// first served among those of its address and then among all.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    shares: Shares,
}

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _all: OwnedSemaphorePermit,
    _share: OwnedSemaphorePermit,
}

impl Turns {
    /// `all` at once, `of_one` for one address (for IPv6 a /64).
    #[must_use]
    pub fn new(all: usize, of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            shares: Shares::new(of_one),
        }
    }

    /// Waits for a turn.
    pub async fn wait(&self, address: Option<IpAddr>) -> Turn {
        const OPEN: &str = "the semaphore is never closed";
        // One's own share first: who waits for it must not keep others waiting.
        let share = self.shares.of(address).acquire_owned().await.expect(OPEN);
        let all = Arc::clone(&self.all).acquire_owned().await.expect(OPEN);
        Turn {
            _all: all,
            _share: share,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_network_of_one_subscriber_has_one_share() {
        let shares = Shares::new(1);
        let of = |text: &str| shares.of(Some(text.parse().unwrap()));
        let held = of("2001:db8::1").try_acquire_owned().unwrap();
        assert!(of("2001:db8::ffff").try_acquire_owned().is_err());
        assert!(of("2001:db8:0:1::1").try_acquire_owned().is_ok());
        let four = of("192.0.2.1").try_acquire_owned().unwrap();
        assert!(of("::ffff:192.0.2.1").try_acquire_owned().is_err());
        drop((held, four));
        assert!(of("2001:db8::2").try_acquire_owned().is_ok());
        for n in 0..5_000_u32 {
            drop(shares.of(Some(IpAddr::from(n.to_be_bytes()))));
        }
        assert!(shares.held.lock().unwrap().len() <= ADDRESSES);
    }

    #[test]
    fn who_has_its_share_waits_without_keeping_others_waiting() {
        let turns = Turns::new(3, 2);
        let at = |n| Some(IpAddr::from([192, 0, 2, n]));
        let first = turns.wait(at(1)).now_or_never().unwrap();
        let _second = turns.wait(at(1)).now_or_never().unwrap();
        let mut third = pin!(turns.wait(at(1)));
        assert!((&mut third).now_or_never().is_none());
        let _other = turns.wait(at(2)).now_or_never().unwrap();
        let mut late = pin!(turns.wait(at(3)));
        assert!((&mut late).now_or_never().is_none(), "all are taken");
        drop(first);
        assert!(
            (&mut late).now_or_never().is_some(),
            "it asked for one of all first"
        );
    }
}
