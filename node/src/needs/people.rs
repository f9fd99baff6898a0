//! Counts of people who were asked what they need, with noise.
//!
//! Every record is counted once, in the first draft after it was written, at the number that it then has. A person who was asked adds one to one
//! count of it, so the noise of one draw costs that person [`PEOPLE_RHO_MICRO`](ldsp_protocol::needs::PEOPLE_RHO_MICRO) of rho whatever
//! happens later. What a refused draft drew is published with the next one and never drawn again.

use std::collections::BTreeMap;

use ldsp_protocol::ids::Gss;
use ldsp_protocol::needs::{PEOPLE_SIGMA2, PeopleAsked};
use ldsp_protocol::standard::{Dimension, Standard};
use rand_core::CryptoRng;

use super::NoCode;
use crate::disclosure::sampler::DiscreteGaussian;
use crate::store::demand::{Asks, Counts, Demand};

/// Whether a record counts people who were asked themselves, and has a number.
pub(crate) fn is_counted(row: &Demand) -> bool {
    (row.asks, row.counts) == (Asks::Individual, Counts::People) && row.number.is_some()
}

/// The counts of these records with noise, on top of what a refused draft drew. `owned` are the LEP's districts in ascending order. `None`: there is
/// nothing to tell.
pub(crate) fn count<R: CryptoRng + ?Sized>(
    rows: &[&Demand],
    owned: &[Gss],
    refused: Option<&PeopleAsked>,
    rng: &mut R,
) -> Result<Option<PeopleAsked>, NoCode> {
    if rows.is_empty() {
        return Ok(refused.cloned());
    }
    let mut counts = exact(rows, owned)?;
    let gaussian = DiscreteGaussian::new(PEOPLE_SIGMA2).expect("5 is a variance that it takes");
    for count in &mut counts {
        *count += gaussian.sample(rng);
    }
    let rounds = refused.map_or(0, |it| it.rounds) + 1;
    if let Some(refused) = refused {
        if refused.counts.len() != counts.len() {
            return Err(NoCode);
        }
        for (count, before) in counts.iter_mut().zip(&refused.counts) {
            *count += before;
        }
    }
    Ok(Some(PeopleAsked {
        rounds,
        sigma2: u64::from(rounds) * PEOPLE_SIGMA2,
        counts,
    }))
}

/// For every skill, the whole area and then every district. A record's number is at most a million, so no sum overflows.
fn exact(rows: &[&Demand], owned: &[Gss]) -> Result<Vec<i64>, NoCode> {
    let skills = Standard::current().dimension(Dimension::Skill).codes.len();
    let places = owned.len() + 1;
    let at: BTreeMap<&Gss, usize> = owned.iter().zip(1..).collect();
    let mut counts = vec![0; skills * places];
    for row in rows {
        let place = match &row.district {
            None => 0,
            Some(district) => *at.get(district).ok_or(NoCode)?,
        };
        let cell = counts.get_mut(usize::from(row.skill) * places + place);
        *cell.ok_or(NoCode)? += row.number.unwrap_or(0);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::super::tests::asked;
    use super::*;

    fn owned() -> Vec<Gss> {
        ["E08000027", "E08000028"]
            .map(|code| code.parse().unwrap())
            .to_vec()
    }

    #[test]
    fn a_count_is_of_its_skill_and_place_and_noise_has_the_variance_that_is_said() {
        let rows = [asked(2, Some("E08000028"), 40), asked(2, None, 7)];
        let rows: Vec<&Demand> = rows.iter().collect();
        let (mut squares, draws) = (0, 400);
        for seed in 0..draws {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let told = count(&rows, &owned(), None, &mut rng).unwrap().unwrap();
            assert_eq!((told.rounds, told.sigma2), (1, PEOPLE_SIGMA2));
            for (at, count) in told.counts.iter().enumerate() {
                let exact = match at {
                    6 => 7,
                    8 => 40,
                    _ => 0,
                };
                squares += (count - exact).pow(2);
            }
        }
        let cells = Standard::current().dimension(Dimension::Skill).codes.len() * 3;
        let n = draws.cast_signed() * i64::try_from(cells).unwrap();
        // The variance's own standard error is about sqrt(2 / n) of it: 1 %.
        let expected = n * i64::try_from(PEOPLE_SIGMA2).unwrap();
        assert!(
            (squares - expected).abs() < expected / 20,
            "{squares} for {expected}"
        );
    }

    #[test]
    fn what_a_refused_draft_drew_is_added_and_never_drawn_again() {
        let (one, two) = (asked(1, None, 12), asked(1, None, 30));
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let refused = count(&[&one], &owned(), None, &mut rng).unwrap().unwrap();
        let same = count(&[], &owned(), Some(&refused), &mut rng).unwrap();
        assert_eq!(same.as_ref(), Some(&refused));
        let mut again = ChaCha20Rng::seed_from_u64(9);
        let alone = count(&[&two], &owned(), None, &mut again).unwrap().unwrap();
        let mut again = ChaCha20Rng::seed_from_u64(9);
        let both = count(&[&two], &owned(), Some(&refused), &mut again)
            .unwrap()
            .unwrap();
        assert_eq!((both.rounds, both.sigma2), (2, 2 * PEOPLE_SIGMA2));
        let sums = refused.counts.iter().zip(&alone.counts).map(|(a, b)| a + b);
        assert!(sums.eq(both.counts.iter().copied()));
        assert_eq!(count(&[], &owned(), None, &mut rng).unwrap(), None);
    }
}
