//! Commands that check a statement without this program. The tests run them as they stand on the page
//! (`tests/third-party/page.mjs`).

use ldsp_protocol::ids::NodeSlug;

/// A statement to check.
pub(super) struct Proof<'a> {
    /// `https://…` without a path.
    pub(super) site: &'a str,
    pub(super) node: &'a NodeSlug,
    pub(super) seq: u64,
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

const RECEIPT: &str = r"sed '/^$/,$d' receipt.txt > receipt-text.txt
tail -n 1 receipt.txt | cut -d ' ' -f 3 | openssl base64 -d -A | tail -c 64 > receipt-signature.bin
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cut -d + -f 3- log.txt | openssl base64 -d -A | tail -c 32; } > log.der
openssl pkeyutl -verify -pubin -keyform DER -inkey log.der -rawin -in receipt-text.txt -sigfile receipt-signature.bin
";

const SAME_DIGEST: &str = r#"grep "^pae $(openssl dgst -sha256 -r signed.bin | cut -d ' ' -f 1)$" receipt-text.txt
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
if (!readFileSync('receipt.txt', 'utf8').includes(`\npae ${digest}\n`)) throw new Error('the receipt is for something else');
console.log('the signature is right and the receipt is for this statement');
END
"#;

const GO: &str = r#"cat > receipt.go <<'END'
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	key, _ := os.ReadFile("log.txt")
	receipt, _ := os.ReadFile("receipt.txt")
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(receipt, note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(opened.Text)
}
END
go run receipt.go
"#;

impl Proof<'_> {
    fn curl(&self, file: &str, path: &str) -> String {
        format!("curl -fsS -o {file} {}{path}\n", self.site)
    }

    fn receipt_and_key(&self) -> String {
        let receipt = format!("/v1/nodes/{}/statements/{}/receipt", self.node, self.seq);
        format!(
            "{}{}",
            self.curl("receipt.txt", &receipt),
            self.curl("log.txt", "/v1/verifier")
        )
    }

    /// Fetches everything.
    pub(super) fn fetch(&self) -> Step {
        let envelope = format!("/v1/nodes/{}/statements/{}", self.node, self.seq);
        let key = format!("/nodes/{}/key.pem", self.node);
        Step {
            id: "fetch",
            label: "1. Fetch",
            why: "In an empty directory, in a shell of Linux or macOS with curl and OpenSSL 3: fetch the envelope, the receipt, the signer’s public key and the log’s.",
            commands: format!(
                "{}{}{}",
                self.curl("envelope.json", &envelope),
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
            why: "The receipt is a signed note (C2SP). The last command prints its line “pae” if it vouches for the very bytes of step 2, and nothing if not.",
            commands: format!("{RECEIPT}{SAME_DIGEST}"),
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
            why: "The receipt is a signed note (C2SP). Its line “pae” is the digest that is shown on this page.",
            commands: RECEIPT.to_owned(),
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
            label: "The signature and the receipt’s digest, with Node.js",
            why: "After step 1, and after npm install @sigstore/core.",
            commands: NODE_JS.to_owned(),
        }
    }

    /// Checks the receipt with Go's note package.
    pub(super) fn go(&self) -> Step {
        Step {
            id: "check-go",
            label: "The receipt, with Go",
            why: "After step 1, and after go mod init check and go get golang.org/x/mod.",
            commands: GO.to_owned(),
        }
    }
}
