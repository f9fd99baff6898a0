//! Commands that check a statement without this program. The tests run them as they stand on the page
//! (`tests/third-party/page.mjs`).

use ldsp_protocol::log::Entry;

/// A statement to check.
pub(super) struct Proof<'a> {
    /// `https://…` without a path.
    pub(super) site: &'a str,
    /// What its leaf must be.
    pub(super) entry: &'a Entry,
}

/// Commands with what they are for.
pub(super) struct Step {
    /// The block's id on the page.
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) why: &'static str,
    pub(super) commands: String,
}

const SIGNATURE: &str = r#"part() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' envelope.json; }
part payload | openssl base64 -d -A > body.json
type=$(part payloadType)
{ printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c < body.json)"; cat body.json; } > signed.bin
part sig | openssl base64 -d -A > signature.bin
openssl pkeyutl -verify -pubin -inkey node.pem -rawin -in signed.bin -sigfile signature.bin
"#;

/// The leaf: `PLACE` and `OWN` stand for a command for each of its parts.
const LEAF: &str = r#"bytes() { perl -e 'print pack "H*", shift' "$1"; }
sha256() { openssl dgst -sha256 -binary; }
{ PLACE
  OWN; } > leaf.bin
"#;

/// The parts that everybody knows, in hex or as they are.
const PLACE: &str =
    r#"bytes TYPE; printf '%-32s' NODE | tr ' ' '\000'; bytes "$(printf '%016x' SEQ)""#;

/// The parts that tell key and bytes, from the files that the steps before have made.
const OWN: &str =
    "openssl pkey -pubin -in node.pem -outform DER | tail -c 32 | sha256\n  sha256 < signed.bin";

/// Follows the proof's hashes up from the leaf, with the steps of RFC 9162 section 2.1.3.2; the last command prints the root.
const RECEIPT: &str = r#"sed '1,/^$/d' receipt.txt > checkpoint.txt
at=$(sed -n 's/^index //p' receipt.txt) last=$(($(sed -n 2p checkpoint.txt) - 1))
{ bytes 00; cat leaf.bin; } | sha256 > hash.bin
for beside in $(sed '1,2d;/^$/,$d' receipt.txt); do
  echo "$beside" | openssl base64 -d > beside.bin
  if [ $((at % 2)) = 1 ] || [ "$at" = "$last" ]; then
    { bytes 01; cat beside.bin hash.bin; } | sha256 > above.bin
    while [ $((at % 2)) = 0 ] && [ "$at" != 0 ]; do at=$((at / 2)) last=$((last / 2)); done
  else
    { bytes 01; cat hash.bin beside.bin; } | sha256 > above.bin
  fi
  mv above.bin hash.bin
  at=$((at / 2)) last=$((last / 2))
done
sed '/^$/,$d' checkpoint.txt > checkpoint-text.txt
tail -n 1 checkpoint.txt | cut -d ' ' -f 3 | openssl base64 -d -A | tail -c 64 > checkpoint-signature.bin
{ bytes 302a300506032b6570032100; cut -d + -f 3- log.txt | openssl base64 -d -A | tail -c 32; } > log.der
openssl pkeyutl -verify -pubin -keyform DER -inkey log.der -rawin -in checkpoint-text.txt -sigfile checkpoint-signature.bin
[ "$at $last" = "0 0" ] && openssl base64 < hash.bin | grep -Fx "$(sed -n 3p checkpoint-text.txt)"
"#;

const PYTHON: &str = r#"python3 - <<'END'
import base64, json
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

der = base64.b64decode("".join(open("node.pem").read().split("\n")[1:-2]))
envelope = json.load(open("envelope.json"))
key = SSlibKey(envelope["signatures"][0]["keyid"], "ed25519", "ed25519", {"public": der[-32:].hex()})
Envelope.from_dict(envelope).verify([key], 1)
print("the signature is right")
END
"#;

const NODE_JS: &str = r#"node --input-type=module - <<'END'
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dsse } from '@sigstore/core';

const envelope = JSON.parse(readFileSync('envelope.json', 'utf8'));
const signed = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
const key = createPublicKey(readFileSync('node.pem'));
if (!verify(null, signed, key, Buffer.from(envelope.signatures[0].sig, 'base64'))) throw new Error('the signature is not by this key');
const digest = createHash('sha256').update(signed).digest('hex');
if (digest !== readFileSync('leaf.bin').subarray(73).toString('hex')) throw new Error('the leaf is of something else');
console.log('the signature is right and the leaf is of this statement');
END
"#;

const GO: &str = r#"cat > receipt.go <<'END'
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func read(name string) []byte {
	data, err := os.ReadFile(name)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	must(err)
	return n
}

func hash(text string) tlog.Hash {
	h, err := tlog.ParseHash(text)
	must(err)
	return h
}

func main() {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read("log.txt"))))
	must(err)
	proof, checkpoint, _ := strings.Cut(string(read("receipt.txt")), "\n\n")
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	must(err)
	head, lines := strings.Split(opened.Text, "\n"), strings.Split(proof, "\n")
	var hashes tlog.RecordProof
	for _, line := range lines[2:] {
		hashes = append(hashes, hash(line))
	}
	index, leaf := number(strings.TrimPrefix(lines[1], "index ")), tlog.RecordHash(read("leaf.bin"))
	must(tlog.CheckRecord(hashes, number(head[1]), hash(head[2]), index, leaf))
	fmt.Println("the leaf is in the log that the checkpoint signs, at", index)
}
END
go run receipt.go
"#;

impl Proof<'_> {
    fn curl(&self, file: &str, path: &str) -> String {
        format!("curl -fsS -o {file} {}{path}\n", self.site)
    }

    fn envelope(&self) -> String {
        format!(
            "/v1/nodes/{}/statements/{}",
            self.entry.node, self.entry.seq
        )
    }

    fn receipt_and_key(&self) -> String {
        let receipt = format!("{}/receipt", self.envelope());
        format!(
            "{}{}",
            self.curl("receipt.txt", &receipt),
            self.curl("log.txt", "/v1/verifier")
        )
    }

    /// Makes the leaf of type, node and number, and of commands that give key and bytes.
    fn leaf(&self, own: &str) -> String {
        let place = PLACE
            .replace("TYPE", &format!("{:02x}", self.entry.kind.entry_type()))
            .replace("NODE", self.entry.node.as_str())
            .replace("SEQ", &self.entry.seq.to_string());
        LEAF.replace("PLACE", &place).replace("OWN", own)
    }

    /// Fetches everything.
    pub(super) fn fetch(&self) -> Step {
        let key = format!("/nodes/{}/key.pem", self.entry.node);
        Step {
            id: "fetch",
            label: "1. Fetch",
            why: "In an empty directory, in a shell of Linux or macOS with curl and OpenSSL 3: fetch the envelope, the receipt, the signer’s public key and the log’s.",
            commands: format!(
                "{}{}{}",
                self.curl("envelope.json", &self.envelope()),
                self.curl("node.pem", &key),
                self.receipt_and_key()
            ),
        }
    }

    /// Checks the signer's signature with OpenSSL alone.
    pub(super) fn signature(&self) -> Step {
        Step {
            id: "check-signature",
            label: "2. Check the signer’s signature",
            why: "The signature is Ed25519 over the type and the body with their lengths (DSSE). OpenSSL says “Signature Verified Successfully”, or that verification failed.",
            commands: SIGNATURE.to_owned(),
        }
    }

    /// Checks the log's receipt and that it is for this statement.
    pub(super) fn receipt(&self) -> Step {
        Step {
            id: "check-receipt",
            label: "3. Check the log’s receipt",
            why: "A statement’s leaf in the log is its type, its signer, its number, the digest of the key and the digest of the very bytes of step 2. The \
                  receipt leads from there to a signed checkpoint (C2SP tlog-proof). OpenSSL judges the signature; the last command prints the checkpoint’s \
                  root if the leaf leads to it, and nothing if not.",
            commands: format!("{}{RECEIPT}", self.leaf(OWN)),
        }
    }

    /// Fetches what is public of a statement whose bytes are not.
    pub(super) fn fetch_receipt(&self) -> Step {
        Step {
            id: "fetch",
            label: "1. Fetch",
            why: "In an empty directory, in a shell of Linux or macOS with curl and OpenSSL 3: fetch the receipt and the log’s public key.",
            commands: self.receipt_and_key(),
        }
    }

    /// Checks the receipt of a statement whose bytes are not public.
    pub(super) fn receipt_alone(&self) -> Step {
        Step {
            id: "check-receipt",
            label: "2. Check the log’s receipt",
            why: "A statement’s leaf in the log is its type, its signer, its number and the digests of key and statement that this page shows. The receipt \
                  leads from there to a signed checkpoint (C2SP tlog-proof). OpenSSL judges the signature; the last command prints the checkpoint’s root if \
                  the leaf leads to it, and nothing if not.",
            commands: format!(
                "{}{RECEIPT}",
                self.leaf(&format!(
                    "bytes {}\n  bytes {}",
                    self.entry.key_id, self.entry.pae
                ))
            ),
        }
    }

    /// Checks the signature with securesystemslib.
    pub(super) fn python(&self) -> Step {
        Step {
            id: "check-python",
            label: "The signature, with Python",
            why: "After step 1, and after pip install \"securesystemslib[crypto]\".",
            commands: PYTHON.to_owned(),
        }
    }

    /// Checks signature and digest with @sigstore/core.
    pub(super) fn node_js(&self) -> Step {
        Step {
            id: "check-node",
            label: "The signature and the leaf’s digest, with Node.js",
            why: "After step 3, and after npm install @sigstore/core.",
            commands: NODE_JS.to_owned(),
        }
    }

    /// Checks the receipt with Go's packages of signed notes and logs.
    pub(super) fn go(&self) -> Step {
        Step {
            id: "check-go",
            label: "The receipt, with Go",
            why: "After step 3, and after go mod init check and go get golang.org/x/mod.",
            commands: GO.to_owned(),
        }
    }
}
