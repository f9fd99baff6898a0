//! A request that is refused while its body is still being sent: the sender reads the answer, not a broken connection.

use super::*;

const LARGE: usize = 24 * 1024 * 1024;

/// Sends head and body to the end before it reads, as simple clients do.
fn send_all_then_read(server: &Server, head: &str, body: usize) -> String {
    let mut line = dial(server);
    let head = format!("{head}Content-Length: {body}\r\n\r\n");
    line.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..body / piece.len() {
        line.write_all(&piece).expect("the server goes on reading");
    }
    line.flush().unwrap();
    all(&mut line)
}

const BUSY: &str = "POST /busy HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: same-origin\r\n";
const STATEMENT: &str = "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\n";
const STRANGER: &str =
    "POST /busy HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: cross-site\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_everything_first_reads_the_answer() {
    let server = start();
    let answers = tokio::task::spawn_blocking(move || {
        [
            (BUSY, "409"),
            (STATEMENT, "413"),
            (STRANGER, "403"),
            (
                "POST /nowhere HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: same-origin\r\n",
                "404",
            ),
        ]
        .map(|(head, status)| (send_all_then_read(&server, head, LARGE), status))
    });
    for (answer, status) in answers.await.unwrap() {
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_comes_while_the_body_never_ends_and_then_the_connection_does() {
    let patience = Patience {
        linger: SHORT,
        ..Patience::default()
    };
    let server = start_with(patience, Limits::default());
    let answers = tokio::task::spawn_blocking(move || {
        [
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "Content-Length: 10000000000\r\n\r\nhello",
        ]
        .map(|body| {
            let mut line = dial(&server);
            line.write_all(format!("{BUSY}{body}").as_bytes()).unwrap();
            all(&mut line)
        })
    });
    for answer in answers.await.unwrap() {
        assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_to_be_asked_for_the_body_is_not_asked_when_it_is_refused() {
    let server = start();
    let answers = tokio::task::spawn_blocking(move || {
        [BUSY, STATEMENT].map(|head| {
            let mut line = dial(&server);
            let request = format!(
                "{head}Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
            );
            line.write_all(request.as_bytes()).unwrap();
            let mut first = [0; 12];
            line.read_exact(&mut first).unwrap();
            if first.ends_with(b"100") {
                line.write_all(b"hello").unwrap();
            }
            String::from_utf8_lossy(&first).into_owned() + &all(&mut line)
        })
    });
    let [busy, taken] = answers.await.unwrap();
    assert!(busy.starts_with("HTTP/1.1 409 "), "{busy}");
    assert!(
        taken.starts_with("HTTP/1.1 100 Continue") && taken.contains("HTTP/1.1 201 "),
        "{taken}"
    );
}
