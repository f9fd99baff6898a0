//! Serves the pages over an invented federation, to be looked at:
//! `cargo run -p ldsp-aggregator --example pages -- 8443 [empty|one]`. Signs in as `olive` (operator).

mod synthetic;

use std::net::TcpListener;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ldsp_aggregator::pages;
use ldsp_aggregator::store::Staff as _;
use ldsp_ui::Entropy;
use ldsp_ui::accounts::{By, Change, WayIn};
use ldsp_ui::secret::{self, Secret};
use ldsp_ui::tls::PrivateCa;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::UnwrapErr;

/// Asks all areas what the demonstration asks; most answer.
async fn ask(world: &synthetic::World) {
    let asked = world.ask(&synthetic::questionnaire(world.now)).await;
    for (at, lep) in synthetic::leps().into_iter().enumerate() {
        if !matches!(at, 7 | 20) && at % 3 > 0 {
            let answers = synthetic::answers(&asked, at as u64);
            world.answer(lep, answers).await;
        }
    }
}

#[tokio::main]
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example is an app: it owns the terminal and the clock"
)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let directory = tempfile::tempdir()?;
    let now: Timestamp = "2026-11-22T10:00:00Z".parse()?;
    let mut world = synthetic::world(&directory.path().join("pages.db"), now).await;
    match std::env::args().nth(2).as_deref() {
        Some("empty") => {}
        Some("one") => {
            let lep = synthetic::leps()[0];
            world.join(lep).await;
            world.publish(lep, "2026-10".parse()?, 1, 300).await;
        }
        _ => {
            world.federation(6).await;
            ask(&world).await;
        }
    }
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let typed = Secret::generate(&mut rng);
    let hash = secret::hash(&typed, &mut rng)?;
    let olive = Change::Add {
        name: "olive",
        role: "operator",
        organisation: "",
        way_in: WayIn::Secret(&hash),
    };
    let by = By {
        who: "command line",
        now,
    };
    world.service.store.change(&olive, by).await?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let origin = format!("https://127.0.0.1:{}", listener.local_addr()?.port());
    let (real, year) = (Timestamp::now(), SignedDuration::from_hours(24 * 365));
    let material = PrivateCa::generate(real, real + year)?
        .issue(&["127.0.0.1"], real, real + year)?
        .material()?;
    let banner = "These pages show an invented federation. No figure is real.";
    let entropy: Entropy = Arc::new(|| Box::new(UnwrapErr(getrandom::SysRng)));
    let router = pages::site(&world.service, &origin, Some(banner), None, entropy)?;
    println!("{origin}/ olive {}", typed.reveal());
    ldsp_ui::serve(listener, material, router, std::future::pending()).await?;
    Ok(())
}
