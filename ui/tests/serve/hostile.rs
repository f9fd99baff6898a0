//! What no decent client sends: each is answered or let go, and the next client is served.

use std::net::Shutdown;

use super::*;

/// Sends `request` and gives everything that comes back until the server closes.
fn ask(server: &Server, request: &[u8]) -> String {
    let mut line = dial(server);
    // The server may have closed before everything was sent.
    drop(line.write_all(request));
    all(&mut line)
}

fn get_with(headers: &str) -> Vec<u8> {
    format!("GET /peer HTTP/1.1\r\nHost: site.example\r\n{headers}Connection: close\r\n\r\n")
        .into_bytes()
}

fn is_served(server: &Server) {
    let answer = ask(server, &get_with(""));
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
}

/// Runs `test` where it may block.
async fn blocking(limits: Limits, test: impl FnOnce(&Server) + Send + 'static) {
    let server = start_with(Patience::default(), limits);
    tokio::task::spawn_blocking(move || test(&server))
        .await
        .unwrap();
}

fn one_at_a_time() -> Limits {
    Limits {
        connections: 1,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_headers_many_headers_and_long_addresses_are_refused_with_their_status() {
    blocking(Limits::default(), |server| {
        let header = |bytes: usize| get_with(&format!("X-Long: {}\r\n", "a".repeat(bytes)));
        let answer = ask(server, &header(64 * 1024));
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("headers_too_large") && answer.contains("What to do next"));
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        // Beyond what is read at all: the bare status.
        for request in [
            header(1024 * 1024),
            get_with(&"X-Many: 1\r\n".repeat(5_000)),
        ] {
            let answer = ask(server, &request);
            assert!(
                answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(),
                "{answer}"
            );
        }
        assert!(ask(server, &header(16 * 1024)).starts_with("HTTP/1.1 200 "));

        let at = |path: &str, bytes: usize| {
            let long = "a".repeat(bytes);
            let request = format!(
                "GET {path}?{long} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"
            );
            ask(server, request.as_bytes())
        };
        let answer = at("/peer", 9_000);
        assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
        assert!(answer.contains("address_too_long"), "{answer}");
        assert!(at("/peer", 70_000).starts_with("HTTP/1.1 414 "));
        assert!(at("/v1/statement", 9_000).starts_with("HTTP/1.1 414 "));
        assert!(at("/peer", 2_000).starts_with("HTTP/1.1 200 "));
        is_served(server);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_one_length_and_nothing_is_smuggled_behind_it() {
    blocking(Limits::default(), |server| {
        let hidden = "GET /peer HTTP/1.1\r\nHost: site.example\r\n\r\n";
        for shape in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length : 5\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding : chunked\r\n",
            " Transfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        ] {
            let request = format!(
                "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\n{shape}\r\nhello{hidden}"
            );
            let answer = ask(server, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 400 "), "{shape}: {answer}");
            assert!(!answer.contains("127.0.0.1"), "{shape}: {answer}");
        }
        // Both lengths: the chunks count (RFC 9112 section 6.3), so what the other length would hide is body, in either order.
        for shape in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        ] {
            let request = format!(
                "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n{shape}\r\n{:x}\r\n{hidden}\r\n0\r\n\r\n",
                hidden.len()
            );
            let answer = ask(server, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 201 "), "{shape}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        }
        let old = b"PUT /v1/statement HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(ask(server, old).starts_with("HTTP/1.1 400 ") || ask(server, old).starts_with("HTTP/1.0 400 "));
        for broken in ["zz\r\n", "5\r\nhelloX", "ffffffffffffffffff\r\n"] {
            let request = format!(
                "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n{broken}{hidden}"
            );
            let answer = ask(server, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 400 "), "{broken}: {answer}");
            assert!(!answer.contains("127.0.0.1"), "{broken}: {answer}");
        }
        is_served(server);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_sent_in_one_go_are_answered_in_order() {
    blocking(Limits::default(), |server| {
        let put =
            "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\nContent-Length: 5\r\n\r\nhello";
        let missing = "GET /nowhere HTTP/1.1\r\nHost: site.example\r\n\r\n";
        let last = String::from_utf8(get_with("")).unwrap();
        let answers = ask(server, format!("{put}{missing}{put}{last}").as_bytes());
        let statuses: Vec<_> = answers
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|a| &a[..3])
            .collect();
        assert_eq!(statuses, ["201", "404", "201", "200"], "{answers}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_finish_handshake_or_headers_is_let_go() {
    let limits = Limits {
        handshake: SHORT,
        headers: SHORT,
        ..one_at_a_time()
    };
    blocking(limits, |server| {
        let mut silent = TcpStream::connect(server.address).unwrap();
        // The end, or a reset.
        drop(silent.read_to_end(&mut Vec::new()));
        let answer = ask(server, b"GET /peer HTTP/1.1\r\nHost: site.exa");
        assert!(!answer.contains("200"), "{answer}");
        let answer = ask(server, b"");
        assert_eq!(answer, "", "an idle connection ends");
        is_served(server);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_the_answer_is_let_go() {
    let limits = Limits {
        answer: SHORT,
        ..one_at_a_time()
    };
    blocking(limits, |server| {
        let mut deaf = dial(server);
        deaf.write_all(b"GET /long HTTP/1.1\r\nHost: site.example\r\n\r\n")
            .unwrap();
        // Its place is free again although it holds on.
        is_served(server);
        let rest = all(&mut deaf);
        assert!(rest.len() < LONG_ANSWER, "the answer was cut off");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_connection_ends_and_frees_its_place() {
    blocking(one_at_a_time(), |server| {
        let whole = "PUT /v1/statement HTTP/1.1\r\nHost: site.example\r\nContent-Length: 5\r\n\r\nhello";
        for request in [
            whole,
            &whole[..whole.len() - 2],
            "POST /upload HTTP/1.1\r\nHost: site.example\r\nSec-Fetch-Site: same-origin\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n--b\r\n",
            "GET /peer HTTP/1.1\r\nHost: si",
            "",
        ] {
            // With the goodbye of TLS, and without.
            for polite in [true, false] {
                let mut line = dial(server);
                line.write_all(request.as_bytes()).unwrap();
                line.flush().unwrap();
                if polite {
                    line.conn.send_close_notify();
                    drop(line.flush());
                }
                // The server may have ended it already.
                drop(line.sock.shutdown(Shutdown::Write));
                let answer = all(&mut line);
                let cut = request.len() < whole.len() || !request.starts_with("PUT");
                assert!(!(cut && answer.contains(" 201 ")), "{answer}");
            }
        }
        is_served(server);
    })
    .await;
}
