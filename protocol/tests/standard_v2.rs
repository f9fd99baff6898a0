//! Golden vectors of summaries under the second data standard; the form of the body is that of `v1`. The good one is accepted and made
//! again byte for byte, `bad_*` ones are refused for the reason that they name.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::admit;
use ldsp_protocol::noise;
use ldsp_protocol::standard::{Codebook, Standard, Table};
use ldsp_protocol::statement::{Body, Kind, Payload, SCHEMA, Statement};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};

const LEP: &str = "E37000005";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/standard-v2");

/// The month that the vectors hold: no noise, every enrolment's cell the one with its number.
fn summary() -> LearningSummary {
    let standard = Standard::v2();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    let table = |table: &Table| {
        // Within the noise's own size, so that margins agree.
        let cells = 0..codebook.cells(table) as i64;
        ProtectedTable {
            id: table.id.clone(),
            cells: cells.map(|cell| (cell * 7919 % 200 - 100) * 1000).collect(),
        }
    };
    LearningSummary {
        software: "ldsp-node/0.1.0".to_owned(),
        noise: Manifest::new(standard, 1, 1, standard.noise().rho_micro),
        pledges: Vec::new(),
        tables: standard.tables().iter().map(table).collect(),
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The vector of a summary: the statement after the one of the first standard in `v1/learning_summary.toml`.
fn vector(about: &str, summary: LearningSummary, expect: &str) -> String {
    let before = read(format!("{FOLDER}/../v1/learning_summary.toml"));
    let body = Body {
        schema: SCHEMA,
        origin: "log.ldsp.example".to_owned(),
        node: "cornwall-scilly".parse().unwrap(),
        seq: 2,
        prev: before["pae"].as_str().unwrap().parse::<Digest>().unwrap(),
        kind: Kind::LearningSummary,
        period: Some("2022-02".parse().unwrap()),
        standard: Standard::v2().digest(),
        payload: summary,
    };
    let kind = Kind::LearningSummary.payload_type();
    let sealed = Sealed::sign(&key(), &kind, &body.to_bytes());
    format!(
        "# {about}\n\n\
         # 32-byte Ed25519 seed of the node's key (RFC 8032 section 5.1.5), hex. For tests only.\n\
         seed = \"{seed}\"\n\
         # Its public key, hex.\n\
         public_key = \"{public}\"\n\
         # What the receiver knows: the log's origin, the node's name, the LEP that it serves.\n\
         origin = \"log.ldsp.example\"\n\
         node = \"cornwall-scilly\"\n\
         lep = \"{LEP}\"\n\
         # DSSE payload type.\n\
         payload_type = \"{kind}\"\n\
         # The body's exact bytes as text.\n\
         body = '''{body}'''\n\
         # SHA-256 of the pre-authentication encoding of type and body: the statement's identity.\n\
         pae = \"{pae}\"\n\
         # The envelope's exact bytes as text.\n\
         envelope = '''{envelope}'''\n\
         # What a receiver says: accepted, or the refusal's words.\n\
         expect = \"{expect}\"\n",
        seed = hex::encode(key().to_bytes()),
        public = hex::encode(key().verifying_key().as_bytes()),
        body = String::from_utf8(body.to_bytes()).unwrap(),
        pae = sealed.pae(),
        envelope = String::from_utf8(sealed.envelope().to_vec()).unwrap(),
    )
}

fn read(path: impl AsRef<Path>) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Makes every vector again.
fn all() -> [(&'static str, String); 4] {
    let mut first_sigma = summary();
    first_sigma.noise = Manifest::new(Standard::v1(), 1, 1, 500_000);
    let mut dropped = summary();
    dropped.tables.push(ProtectedTable {
        id: "leavers.audience-by-outcome".to_owned(),
        cells: vec![0; 21],
    });
    let mut cut = summary();
    cut.tables[3].cells.pop();
    [
        (
            "learning_summary",
            vector(
                "A learning summary under the second data standard, beside one of the same month under the first.",
                summary(),
                "accepted",
            ),
        ),
        (
            "bad_sigma_of_the_first",
            vector(
                "The manifest states the variances of the first standard.",
                first_sigma,
                "sigma squared is the one that rho and the standard give (table confidence.tier-by-confidence)",
            ),
        ),
        (
            "bad_table_of_the_first",
            vector(
                "A table that only the first standard declares.",
                dropped,
                "a table is one that the standard declares (table leavers.audience-by-outcome)",
            ),
        ),
        (
            "bad_not_dense",
            vector(
                "A table lacks its last cell.",
                cut,
                "a table is dense: 24 cells are expected, 23 came (table starts.ethnicity-by-tier, cell 23)",
            ),
        ),
    ]
}

/// What a receiver says of an envelope.
fn judge(vector: &toml::Table) -> Result<Statement, String> {
    let text = |field: &str| vector[field].as_str().unwrap().to_owned();
    let key = admit(&hex::decode(text("public_key")).unwrap()).map_err(|e| e.to_string())?;
    let verified = Unverified::parse(text("envelope").as_bytes())
        .and_then(|e| e.verify(&key))
        .map_err(|e| e.to_string())?;
    let statement = Statement::read(&verified).map_err(|e| e.to_string())?;
    let standard = Standard::of(statement.standard).ok_or("the standard is not known")?;
    let Payload::LearningSummary(summary) = &statement.payload else {
        return Err("no summary".to_owned());
    };
    let lep = text("lep").parse().unwrap();
    summary
        .check(standard, &lep, None)
        .map_err(|e| e.to_string())?;
    Ok(statement)
}

#[test]
fn summaries_under_the_second_standard() {
    let mut files: Vec<String> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut made: Vec<String> = all().map(|(name, _)| format!("{name}.toml")).into();
    made.push("noise.toml".to_owned());
    made.sort();
    assert_eq!(files, made);
    for (name, text) in all() {
        let path = format!("{FOLDER}/{name}.toml");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name}");
        let vector = read(&path);
        let expect = vector["expect"].as_str().unwrap();
        match judge(&vector) {
            Ok(statement) => {
                assert_eq!(expect, "accepted", "{name}");
                assert_eq!(statement.standard, Standard::v2().digest());
            }
            Err(refusal) => assert_eq!(refusal, expect, "{name}"),
        }
    }
}

#[test]
fn its_noise() {
    let vector = read(format!("{FOLDER}/noise.toml"));
    let standard = Standard::v2();
    let digest = vector["standard"]["digest"].as_str().unwrap();
    assert_eq!(standard.digest().to_string(), digest);
    let sigma2 = vector["sigma2"].as_table().unwrap();
    assert_eq!(sigma2.len(), standard.tables().len());
    for table in standard.tables() {
        let expected = sigma2[&table.id].as_integer().unwrap();
        assert_eq!(
            noise::sigma2(table.rho_micro),
            expected.cast_unsigned(),
            "{}",
            table.id
        );
    }
}
